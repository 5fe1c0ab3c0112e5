"""Looking into a saved export, and comparing two."""
