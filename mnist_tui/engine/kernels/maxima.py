"""What the kernels know of maxima of four, through which a gradient comes back sparse: one number in four, or fewer.

What a channel's gradient adds to the gradients of its weights and of the maps that it saw is summed place by place,
only where a maximum was.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from mnist_tui.engine.kernels.weaving import BYTE, FLOAT, WORD, Kernel, Value, word

CUT = 4
"""In place of a maximum's place: it was not above zero."""
TAPS = [(row, column) for row in range(3) for column in range(3)]
FOUR = [(0, 0), (0, 1), (1, 0), (1, 1)]


class Shape(NamedTuple):
    """Where things lie.

    Attributes:
        side: rows and columns of maxima.
        framed: columns of a map of twice the side in its frame of zeros.
        channels: of that map, next to each other in memory.
        step: from one maximum of a channel to the next in memory.
    """

    side: int
    framed: int
    channels: int
    step: int = 1


class Found(NamedTuple):
    """Room for what goes on of a channel's gradient: values, and where in a framed map each has its window."""

    values: Value
    offsets: Value


Window = list[tuple[int, int]]
"""Of each vector that a window sees: its place in the framed map, and in the weights of a channel."""


def window_of(framed: int, channels: int, starts: Iterable[int]) -> Window:
    """The nine places of a window, with the vectors of channels that begin at `starts`."""
    starts = list(starts)
    return [((y * framed + x) * channels + start, (3 * y + x) * channels + start) for y, x in TAPS for start in starts]


def greatest(kernel: Kernel, four: list[Value]) -> tuple[Value, Value]:
    """The greatest of four vectors, and which it was; the first of equals, as torch has it."""
    build, lanes = kernel.build, kernel.lanes
    top, place = four[0], kernel.constants([0] * lanes)
    for number, other in enumerate(four[1:], 1):
        no_number = build.fcmp_unordered("uno", other, other)  # goes on as such, from any of the four
        greater = build.or_(build.fcmp_ordered(">", other, top), no_number)
        top = build.select(greater, other, top)
        place = build.select(greater, kernel.constants([number] * lanes), place)
    return top, place


def collect(kernel: Kernel, gradient: Value, places: Value, found: Found, shape: Shape) -> Value:
    """Those of a channel's gradients that go somewhere, and their windows in a framed map; how many they are."""
    build = kernel.build
    count = kernel.variable(WORD)
    with kernel.count(shape.side) as row, kernel.count(shape.side) as column:
        at = kernel.times(kernel.sum(kernel.times(row, shape.side), column), shape.step)
        value = kernel.load(kernel.address(gradient, at), FLOAT)
        place = build.zext(kernel.load(kernel.address(places, at, of=BYTE), BYTE), WORD)
        passes = build.icmp_unsigned("<", place, word(CUT))
        down, right = build.lshr(place, word(1)), build.and_(place, word(1))
        corner = kernel.sum(kernel.times(row, 2 * shape.framed), kernel.times(column, 2))
        offset = kernel.times(kernel.sum(corner, kernel.times(down, shape.framed), right), shape.channels)
        number = build.load(count, typ=WORD)
        kernel.store(value, kernel.address(found.values, number))
        kernel.store(offset, kernel.address(found.offsets, number, of=WORD))
        build.store(build.add(number, build.zext(passes, WORD)), count)
    return build.load(count, typ=WORD)


def add_up(kernel: Kernel, found: Found, count: Value) -> Value:
    """The sum of what was found: a channel's part of the gradient of its bias."""
    build, total = kernel.build, kernel.variable(FLOAT)
    with kernel.loop(word(0), count) as number:
        value = kernel.load(kernel.address(found.values, number), FLOAT)
        build.store(build.fadd(build.load(total, typ=FLOAT), value), total)
    return build.load(total, typ=FLOAT)


def sum_weight(kernel: Kernel, sums: Value, maps: Value, found: Found, count: Value, window: Window) -> None:
    """Add to a channel's weight gradient what it saw at each offset, times the value there; in registers."""
    build = kernel.build
    held = [kernel.variable(kernel.floats, kernel.load(kernel.address(sums, to), kernel.floats)) for _, to in window]
    with kernel.loop(word(0), count) as number:
        value = kernel.spread(kernel.load(kernel.address(found.values, number), FLOAT))
        seen = kernel.address(maps, kernel.load(kernel.address(found.offsets, number, of=WORD), WORD))
        for place, (at, _) in zip(held, window, strict=True):
            kernel.add_product(place, value, kernel.load(kernel.address(seen, at), kernel.floats))
    for place, (_, to) in zip(held, window, strict=True):
        kernel.store(build.load(place, typ=kernel.floats), kernel.address(sums, to))


def spread_back(kernel: Kernel, weight: Value, back: Value, found: Found, count: Value, window: Window) -> None:
    """Add a channel's weights to the maps' gradient at each offset, times the value there; from registers."""
    held = [kernel.load(kernel.address(weight, of), kernel.floats) for _, of in window]
    with kernel.loop(word(0), count) as number:
        value = kernel.spread(kernel.load(kernel.address(found.values, number), FLOAT))
        there = kernel.address(back, kernel.load(kernel.address(found.offsets, number, of=WORD), WORD))
        for part, (at, _) in zip(held, window, strict=True):
            spot = kernel.address(there, at)
            kernel.store(kernel.fma(value, part, kernel.load(spot, kernel.floats)), spot)
