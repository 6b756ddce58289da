"""Kernels of our own for NVIDIA GPUs, for batches so small that torch's leave most of one idle."""
