"""Rows under a header, drawn on the framework's line API."""
