"""GALE's public API: takes ids, returns models, and raises an error that says what to do for any other answer.

May import ``core.http``, ``core.credentials`` and the modules directly in ``core``.

- :class:`client.GaleClient` has the calls of one environment.
- :class:`connections.Connections` makes a client for each environment when it is first needed.
- :mod:`parsing` reads the answers, in every spelling of the vendor's pages.
"""
