"""The API key of an environment: where it comes from and where it is kept."""
