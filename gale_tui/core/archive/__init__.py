"""A saved export: whether its zip is whole, what it holds, and how two of them differ. Nothing is extracted.

May import what all of core stands on. Entry points: `verify_zip.verify_zip` tests a zip as `unzip -t` does,
`contents.read_archive` finds the tool in it, `comparison` compares two.
"""
