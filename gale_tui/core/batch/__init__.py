"""Lists of tools to export, as data: `reader` reads them from pastes and files, `editor` changes them, `report` counts
their outcomes.

Imports the base of `core` and `core.paste`; starts nothing.
"""
