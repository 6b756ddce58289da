"""How many a second, over the last seconds that were spent on it."""

from __future__ import annotations

from collections import deque


class SlidingRate:
    """A rate over a window that slides with what is added; an addition costs the same however long the window is.

    Args:
        window: seconds; the two newest additions count even where they took longer.
    """

    def __init__(self, window: float) -> None:
        self._window = window
        self._parts: deque[tuple[int, float]] = deque()
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._parts.clear()
        self._count, self._seconds = 0, 0.0

    def add(self, count: int, seconds: float) -> None:
        """Take in that `count` took `seconds`."""
        self._parts.append((count, seconds))
        self._count += count
        self._seconds += seconds
        while len(self._parts) > 2 and self._seconds > self._window:
            count, seconds = self._parts.popleft()
            self._count -= count
            self._seconds -= seconds

    @property
    def per_second(self) -> float | None:
        """The rate; None where nothing took any time."""
        return self._count / self._seconds if self._seconds > 0 and self._parts else None
