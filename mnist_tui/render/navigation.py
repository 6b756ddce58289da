"""Cursor, pan and zoom along the x axis as changes of a `View`, pure."""

from __future__ import annotations

from typing import Any, TypeAlias

from mnist_tui.core.history import History
from mnist_tui.core.positions import Unit
from mnist_tui.render.axes import Axis
from mnist_tui.render.marks import centre_of
from mnist_tui.render.view import View

Changes: TypeAlias = dict[str, Any]
"""Fields of a `View`, and their new values."""

_FEWEST_BATCHES = 4  # that a zoom shows


def put_cursor(history: History, view: View, x: Axis, target: float) -> Changes:
    """The cursor at `target`, but on a batch; a zoom moves with it, other windows hold it in."""
    if not history.last_step:
        return {}
    first, newest = history.x_at(1, view.unit), history.x_at(history.last_step, view.unit)
    if view.zoom is None:
        first, newest = max(first, x.low), min(newest, x.high)
    target = min(max(target, first), newest)
    changes: Changes = {"cursor": target}
    if view.zoom is not None:
        shift = min(0.0, target - x.low) + max(0.0, target - x.high)
        if shift:
            changes["zoom"] = (x.low + shift, x.high + shift)
    return changes


def move_cursor(history: History, view: View, x: Axis, columns: int, cells: int) -> Changes:
    """The cursor by `cells` of `columns`; where there is none yet, at the newest batch that is shown."""
    if view.cursor is None:
        return put_cursor(history, view, x, min(history.x_at(history.last_step, view.unit), x.high))
    cell = centre_of(1, x, columns) - centre_of(0, x, columns)
    return put_cursor(history, view, x, view.cursor + cells * cell)


def pan(x: Axis, full: Axis, share: float) -> Changes:
    """The window moved by a share of itself, inside the limits of `full`."""
    span = x.high - x.low
    if span >= full.high - full.low:
        return {}
    low = min(max(x.low + share * span, full.low), full.high - span)
    return {"zoom": (low, low + span)}


def zoom(history: History, view: View, x: Axis, full: Axis, factor: float, about: float | None = None) -> Changes:
    """The window `factor` times as wide, with `about` (the cursor, or the middle) where it was.

    One as wide as `full` is no zoom.
    """
    if about is None:
        about = view.cursor if view.cursor is not None and x.low <= view.cursor <= x.high else (x.low + x.high) / 2
    whole, span = full.high - full.low, x.high - x.low
    newest = history.x_at(history.last_step, view.unit)
    least = _FEWEST_BATCHES * newest / max(1, history.last_step)
    wanted = max(span * factor, min(least, span))
    if wanted >= whole:
        return {"zoom": None, "recent": False} if view.zoom or view.recent else {}
    low = about - (about - x.low) * wanted / span
    low = min(max(low, full.low), full.high - wanted)
    return {"zoom": (low, low + wanted)}


def in_unit(history: History, view: View, unit: Unit) -> Changes:
    """Another unit; cursor and zoom stay on their batches."""
    changes: Changes = {"unit": unit}
    if view.cursor is not None:
        changes["cursor"] = history.x_at(history.step_at(view.cursor, view.unit), unit)
    if view.zoom is not None:
        low, high = (history.x_at(history.step_at(limit, view.unit), unit) for limit in view.zoom)
        changes["zoom"] = (low, high) if low < high else None
    return changes
