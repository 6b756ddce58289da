"""mnist-tui: train a CNN on MNIST in the terminal and look at every mistake it makes."""

__version__ = "0.1.0"
