"""A tool as a folder of source: an export unpacked for people and version control, and packed again without loss.

Imports the core's floor and `core/archive`. Begin at `unpack.unpack`, `pack.pack` and `pack.read_contents`;
`split` and `join` are the two directions between members of a zip and files of a tree, both in memory, and
`tree` and `tree_writer` are all that touches the disk.
"""
