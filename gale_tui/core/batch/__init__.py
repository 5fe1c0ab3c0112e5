"""Lists of tools to export, as data: `reader` reads them from pastes and files, `editor` changes them, `report` counts
their outcomes.

Imports `core.paste` and the modules directly in `core`; starts nothing.
"""
