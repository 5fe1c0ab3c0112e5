"""A tool as a folder of source: an export unpacked for people and version control, and packed again without loss.

Imports the modules directly in `core` and `core.archive`. Start at `unpack.unpack`, `pack.pack` and
`pack.read_contents`; `split` and `join` are the two directions between members of a zip and files of a tree, both in
memory, and only `tree` and `tree_writer` touch the disk.
"""
