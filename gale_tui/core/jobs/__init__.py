"""The engine: starts exports, polls their dock status, downloads their files."""
