"""Saved exports: tests a zip, reads its contents, and compares two. Nothing is extracted.

May import the modules directly in `core`. Start at: `verify_zip.verify_zip` tests a zip as `unzip -t` does,
`contents.read_archive` finds the tool in it, `comparison` compares two.
"""
