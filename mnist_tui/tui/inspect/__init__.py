"""What can be done on the Inspect screen, one kind of thing a module."""
