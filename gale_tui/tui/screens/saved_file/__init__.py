"""The screens that inspect a saved export, compare two, and unpack them."""
