"""gale-tui: export tools from Kore.ai GALE, follow the jobs and save the files, in the terminal."""

__version__ = "0.1.0"
