"""What keys and commands do, by what it is about."""
