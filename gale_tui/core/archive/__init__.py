"""What a saved export holds, and how two of them differ. Nothing is extracted."""
