"""Evaluations as tables of predictions: the one place outside the engine that computes with numpy."""

from mnist_tui.core.predictions.selection import Blame, blame, select
from mnist_tui.core.predictions.table import CLASSES, Figures, Predictions, pack_evaluation, unpack_evaluation

__all__ = ["CLASSES", "Blame", "Figures", "Predictions", "blame", "pack_evaluation", "select", "unpack_evaluation"]
