"""The embedded GALE: a real HTTP server on loopback with scripted tools.

It follows the vendor's page "Export a Tool API" and shares no code with what is tested against it.
`gale_tui.sandbox.server.Sandbox` runs it, `gale_tui.sandbox.script.Script` says what a tool does.
"""
