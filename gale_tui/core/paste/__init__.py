"""Finds export requests in pasted text: an address, a copied command, a HAR file, ids in a text.

Start at `capture.recognise`, which reads a text, and `text.decode_text`, which decodes the bytes of a file. Imports
only the modules directly in `core`; reads no files.
"""
