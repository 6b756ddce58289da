"""The training half: torch, and no screen."""
