"""Pure functions from (data, size, palette) to text; no app."""
