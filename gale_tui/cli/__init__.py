"""The command line: parses arguments, wires engine, app and sandbox together."""
