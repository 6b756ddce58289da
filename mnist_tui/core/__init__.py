"""Vocabulary shared by every layer: standard library and attrs only."""
