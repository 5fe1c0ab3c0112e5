"""The engine of gale-tui: no screen, no terminal; usable from a script."""
