"""The API keys: where they come from, and where they are kept, never in plain text.

May import what all of core stands on.

- :class:`credentials.Credentials` finds, keeps and forgets the key of an environment.
- :class:`keyring_backend.Keyrings` speaks to the system's keyring, if it is one that can be trusted.
- :func:`key_command.key_from_command` gets a key from a program of the user's.
"""
