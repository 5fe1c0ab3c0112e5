"""Fields of the forms."""
