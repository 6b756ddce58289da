"""The kernels of a 2 x 2 max-pooling behind a 3 x 3 convolution, and of that convolution's gradients.

Three of the four that a maximum is taken of get no gradient: a quarter of the products of a dense convolution is done.

Of n images, maps of `side` x `side` and half as many maxima, c1 and c2 channels (multiples of the lanes), the arrays
are, in this order of memory:
    maps    (n, side, side, c1) float32, none below zero: what the convolution saw, of which a ReLU comes before it
    conv    (n, side, side, c2) float32
    pooled  (n, half, half, c2) float32
    places  (n, half, half, c2) uint8: which of its four was the maximum
    weight  (c2, 3, 3, c1) float32
"""

from __future__ import annotations

from llvmlite import ir

from mnist_tui.engine.kernels.maxima import (
    FOUR,
    Found,
    Shape,
    collect,
    greatest,
    spread_back,
    sum_weight,
    window_of,
)
from mnist_tui.engine.kernels.weaving import BYTE, FLOAT, WORD, Kernel, Value


def write_pool(module: ir.Module, side: int, c2: int, lanes: int) -> None:
    """Write kernel `pool`: conv -> pooled, places. A task is an image."""
    kernel = Kernel(module, "pool", lanes)
    conv, pooled, places = (kernel.array(place) for place in range(3))
    half = side // 2
    with kernel.tasks() as image:
        source = kernel.address(conv, kernel.times(image, side * side * c2))
        start = kernel.times(image, half * half * c2)
        with kernel.count(half) as row, kernel.count(half) as column, kernel.count(c2 // lanes) as part:
            corner = kernel.times(kernel.sum(kernel.times(row, 2 * side), kernel.times(column, 2)), c2)
            channel = kernel.times(part, lanes)
            four = [
                kernel.load(kernel.address(source, corner, channel, (y * side + x) * c2), kernel.floats)
                for y, x in FOUR
            ]
            top, place = greatest(kernel, four)
            inside = kernel.times(kernel.sum(kernel.times(row, half), column), c2)
            kernel.store(top, kernel.address(pooled, start, inside, channel))
            place = kernel.build.trunc(place, kernel.bytes)
            kernel.store(place, kernel.address(places, start, inside, channel, of=BYTE))


def write_pooled_gradients(module: ir.Module, side: int, c1: int, c2: int, lanes: int, block: int) -> None:
    """Write kernel `pooled_gradients`: n, K, maps, places, weight, gradient of pooled -> sums, back, scratch.

    Each of K tasks writes a row of sums (K, c2, 3, 3, c1) float32, its part of the gradient of the weights. Task k has
    the images from n k / K to before n (k + 1) / K, so the sums do not depend on who is how fast. `back` (n, side,
    side, c1) float32 is the gradient of the maps, zero where they are: that of what the ReLU before was given.
    `scratch` is room for an image's maps in a frame of zeros and for their gradient, (K, 2, side + 2, side + 2, c1).
    """
    kernel = Kernel(module, "pooled_gradients", lanes)
    build = kernel.build
    total, tasks = kernel.argument(0), kernel.argument(1)
    maps, places, weight, gradient, sums, back, scratch = (kernel.array(place) for place in range(2, 9))
    half, framed = side // 2, side + 2
    found = Found(kernel.memory(FLOAT, half * half), kernel.memory(WORD, half * half))
    shape = Shape(half, framed, c1, step=c2)
    map_size, framed_size = side * side * c1, framed * framed * c1
    with kernel.tasks() as task:
        row = kernel.address(sums, kernel.times(task, 9 * c1 * c2))
        kernel.clear(row, 9 * c1 * c2)
        seen = kernel.address(scratch, kernel.times(task, 2 * framed_size))
        spread = kernel.address(seen, framed_size)
        kernel.clear(seen, framed_size)
        begin = build.sdiv(build.mul(total, task), tasks)
        end = build.sdiv(build.mul(total, kernel.sum(task, 1)), tasks)
        with kernel.loop(begin, end) as image:
            whole = kernel.address(maps, kernel.times(image, map_size))
            _frame(kernel, whole, seen, side, c1)
            kernel.clear(spread, framed_size)
            with kernel.count(c2) as channel:
                at = kernel.sum(kernel.times(image, half * half * c2), channel)
                count = collect(kernel, kernel.address(gradient, at), kernel.address(places, at, of=BYTE), found, shape)
                of_channel = kernel.times(channel, 9 * c1)
                for start in range(0, c1, block * lanes):
                    window = window_of(framed, c1, range(start, start + block * lanes, lanes))
                    sum_weight(kernel, kernel.address(row, of_channel), seen, found, count, window)
                    spread_back(kernel, kernel.address(weight, of_channel), spread, found, count, window)
            _unframe(kernel, spread, whole, kernel.address(back, kernel.times(image, map_size)), side, c1)


def _frame(kernel: Kernel, maps: Value, framed: Value, side: int, channels: int) -> None:
    """Put an image's maps into their frame."""
    with kernel.count(side) as row, kernel.count(side * channels // kernel.lanes) as part:
        within = kernel.times(part, kernel.lanes)
        vector = kernel.load(kernel.address(maps, kernel.times(row, side * channels), within), kernel.floats)
        there = kernel.sum(kernel.times(row, (side + 2) * channels), within, (side + 3) * channels)
        kernel.store(vector, kernel.address(framed, there))


def _unframe(kernel: Kernel, framed: Value, maps: Value, back: Value, side: int, channels: int) -> None:
    """Take a gradient out of its frame, where the maps are above zero."""
    build = kernel.build
    with kernel.count(side) as row, kernel.count(side * channels // kernel.lanes) as part:
        within = kernel.times(part, kernel.lanes)
        here = kernel.sum(kernel.times(row, side * channels), within)
        there = kernel.sum(kernel.times(row, (side + 2) * channels), within, (side + 3) * channels)
        passes = build.fcmp_unordered(">", kernel.load(kernel.address(maps, here), kernel.floats), kernel.zeros())
        vector = kernel.load(kernel.address(framed, there), kernel.floats)
        kernel.store(build.select(passes, vector, kernel.zeros()), kernel.address(back, here))
