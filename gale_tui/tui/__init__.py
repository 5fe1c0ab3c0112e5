"""The screens of gale-tui."""
