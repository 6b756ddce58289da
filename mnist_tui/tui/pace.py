"""How often the screen moves by itself: as often as it may, or as often as the line to the terminal can carry."""

from __future__ import annotations

SLOWEST = 1.0  # moves a second
WINDOW = 1.0  # seconds over which the line is judged; importing torch alone stops every thread for 0.3 s
_CLOGGED, _FREE = 0.5, 0.2  # share of the time in which the terminal took nothing more
_PATIENCE, _LONGEST_PATIENCE = 3.0, 60.0  # seconds of a free line before more is tried


class Pace:
    """Halves the rate while the line is clogged, and doubles it again, ever more patiently, when it is free.

    Args:
        fps: moves a second that are wanted.

    Attributes:
        rate: moves a second that are allowed now.
    """

    def __init__(self, fps: float) -> None:
        self._fps = self.rate = fps
        self._judged = self._waited = 0.0
        self._free_since: float | None = None
        self._patience = _PATIENCE
        self._tried = -_LONGEST_PATIENCE

    @property
    def slow(self) -> bool:
        """Whether the line carries less than is wanted."""
        return self.rate < self._fps

    @property
    def words(self) -> str:
        """For the status line; empty where all is well."""
        return f"slow link, {self.rate:g} fps" if self.slow else ""

    def judge(self, now: float, waited: float) -> None:
        """Settle the rate anew, once a second.

        Args:
            now: the clock, in seconds.
            waited: seconds that writing has taken until now, all in all.
        """
        seconds = now - self._judged
        if seconds < WINDOW:
            return
        share = (waited - self._waited) / seconds
        self._judged, self._waited = now, waited
        if share > _CLOGGED:
            self._free_since = None
            if now - self._tried <= 2 * WINDOW:  # more was tried, and was too much
                self._patience = min(2 * self._patience, _LONGEST_PATIENCE)
            self.rate = min(self.rate, max(SLOWEST, self.rate // 2))
        elif share > _FREE or not self.slow:
            self._free_since = None
        elif self._free_since is None:
            self._free_since = now
        elif now - self._free_since >= self._patience:
            self._free_since, self._tried = None, now
            self.rate = min(self._fps, 2 * self.rate)
            if not self.slow:
                self._patience = _PATIENCE
