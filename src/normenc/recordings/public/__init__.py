"""Public recordings by name."""
