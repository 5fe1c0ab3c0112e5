"""Export requests in whatever a person pastes: an address, a copied command, a HAR file, ids in a text.

Entry points: `capture.recognise` reads a text, `text.decode_text` the bytes of a file. Imports the base of `core` only;
reads no files.
"""
