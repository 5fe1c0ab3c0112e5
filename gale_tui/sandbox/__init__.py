"""The embedded GALE: a real HTTP server on loopback with scripted tools."""
