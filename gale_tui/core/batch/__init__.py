"""Lists of tools to export, as data: read, edited, reported on."""
