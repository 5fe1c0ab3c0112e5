"""Values as text, glyph and colour. Pure."""
