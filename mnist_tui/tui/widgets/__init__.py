"""The widgets, one idea a file."""
