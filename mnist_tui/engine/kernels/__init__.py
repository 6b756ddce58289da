"""Loops written for the processor they run on, for what no library does: work that mostly meets zeros."""
