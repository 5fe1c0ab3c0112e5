"""Pages of lines to read and search."""
