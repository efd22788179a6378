"""The configuration: one schema, checked at start."""
