"""What stands under the pictures of a contact sheet."""

from __future__ import annotations

import attrs

SHEET_LIMIT = 400  # digits on a sheet: 20 x 20, some 2000 x 2700 pixels, which every viewer opens


@attrs.frozen
class Caption:
    """One digit in words: names of classes, and the probability of the predicted one, 0..1."""

    index: int
    true: str
    predicted: str
    probability: float

    @property
    def wrong(self) -> bool:
        """Whether another class was predicted."""
        return self.true != self.predicted

    @property
    def percent(self) -> str:
        """The probability in whole percent; 100 only where it is as good as that."""
        share = round(self.probability * 100)
        return f"{share if self.probability > 0.999 else min(share, 99)}%"
