"""The configuration: where files are, and the environments and settings of `config.toml`.

Start at `config_file.ConfigFile` (reads and edits the file), `environment_registry.EnvironmentRegistry` (for the engine
and the screens) and `paths.Paths`. `environments` and `settings` check what the file says; `toml_edits` edits its text
and leaves the user's own wording alone.

Imports `credentials` and `gale_api` for keys and their test, and the modules directly in `core`.
"""
