"""The API keys: where they come from, and where they are stored, never in plain text.

May import the modules directly in `core`.

- :class:`credentials.Credentials` finds, stores and deletes the key of an environment.
- :class:`keyring_backend.Keyrings` speaks to the system's keyring, if it is one that can be trusted.
- :func:`key_command.key_from_command` gets a key from a program of the user's.
"""
