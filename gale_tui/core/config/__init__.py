"""Where files are, the settings, and the environments in `config.toml`."""
