"""Export requests in whatever a person pastes."""
