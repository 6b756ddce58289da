"""The kernels of two convolutions of 3 x 3, each pooled by 2 x 2 and cut at zero, and of their gradients.

Where a maximum of four is taken, three of them get no gradient, and where it is negative none does: of the products
that the gradients of such a convolution are made of, five in six have a zero in them. A matrix product does them all;
here only the others are done, with the same sums as outcome.

Of n images, c1 and c2 channels (multiples of the lanes), the arrays are, in this order of memory:
    images  (n, 28, 28) float32
    first   (n, 16, 16, c1) float32, and bfloat16: maps of 14 x 14 in a frame of zeros, as the second convolution wants
    place1  (n, 14, 14, c1) uint8: which of its four was the maximum, or `CUT`
    conv    (n, 14, 14, c2) float32 or bfloat16
    second  (n, c2, 7, 7) of the same
    place2  (n, c2, 7, 7) uint8
    weight1 (3, 3, c1), bias1 (c1), weight2 (c2, 3, 3, c1) float32
"""

from __future__ import annotations

from llvmlite import ir

from mnist_tui.engine.kernels.maxima import (
    CUT,
    FOUR,
    TAPS,
    Found,
    Shape,
    add_up,
    collect,
    greatest,
    spread_back,
    sum_weight,
    window_of,
)
from mnist_tui.engine.kernels.weaving import BYTE, FLOAT, INT, SHORT, WORD, Kernel, Value

SIDE, HALF, QUARTER = 28, 14, 7
_ROW, _FRAMED = 32, HALF + 2  # an image in a frame of zeros, 30 x 32; a map in one, 16 x 16


def write_first(module: ir.Module, c1: int, lanes: int, block: int, halved: bool) -> None:
    """Write kernel `first`: images, weight1, bias1 -> first, place1 and, if `halved`, first in bfloat16.

    A task is an image; `block` vectors of channels are done at a time.
    """
    kernel = Kernel(module, "first", lanes)
    images, weight, bias, maps, places, short_maps = (kernel.array(place) for place in range(6))
    framed = _frame(kernel)
    with kernel.tasks() as image:
        _fill(kernel, framed, images, image)
        out = kernel.address(maps, kernel.times(image, _FRAMED * _FRAMED * c1))
        short_out = kernel.address(short_maps, kernel.times(image, _FRAMED * _FRAMED * c1), of=SHORT)
        _clear_frame(kernel, out, c1, FLOAT)
        if halved:
            _clear_frame(kernel, short_out, c1, SHORT)
        for start in range(0, c1, block * lanes):
            at = [start + lanes * part for part in range(block)]
            taps = [
                [kernel.load(kernel.address(weight, tap * c1 + channel), kernel.floats) for channel in at]
                for tap in range(9)
            ]
            begin = [kernel.load(kernel.address(bias, channel), kernel.floats) for channel in at]
            with kernel.count(HALF) as row, kernel.count(HALF) as column:
                corner = kernel.sum(kernel.times(row, 2 * _ROW), kernel.times(column, 2))
                four = [list(begin) for _ in FOUR]
                for down, right in ((down, right) for down in range(4) for right in range(4)):
                    pixel = kernel.spread(kernel.load(kernel.address(framed, corner, down * _ROW + right), FLOAT))
                    for sums, (y, x) in zip(four, FOUR, strict=True):
                        if (down - y, right - x) in TAPS:
                            tap = taps[3 * (down - y) + right - x]
                            sums[:] = [kernel.fma(pixel, each, old) for each, old in zip(tap, sums, strict=True)]
                inside = kernel.sum(kernel.times(row, _FRAMED), column, _FRAMED + 1)
                for part, channel in enumerate(at):
                    top, place = _maximum(kernel, [sums[part] for sums in four])
                    kernel.store(top, kernel.address(out, kernel.times(inside, c1), channel))
                    if halved:
                        rounded = kernel.round_to_bfloat16(top)
                        kernel.store(rounded, kernel.address(short_out, kernel.times(inside, c1), channel, of=SHORT))
                    pooled = kernel.sum(kernel.times(image, HALF * HALF), kernel.times(row, HALF), column)
                    kernel.store(place, kernel.address(places, kernel.times(pooled, c1), channel, of=BYTE))


def write_second(module: ir.Module, c2: int, lanes: int, halved: bool) -> None:
    """Write kernel `second`: conv -> second, place2, in bfloat16 if `halved`. A task is an image."""
    kernel = Kernel(module, "second", lanes)
    build = kernel.build
    conv, maps, places = (kernel.array(place) for place in range(3))
    kind = SHORT if halved else FLOAT
    with kernel.tasks() as image:
        source = kernel.address(conv, kernel.times(image, HALF * HALF * c2), of=kind)
        start = kernel.times(image, QUARTER * QUARTER * c2)
        with kernel.count(QUARTER) as row, kernel.count(QUARTER) as column, kernel.count(c2 // lanes) as part:
            corner = kernel.times(kernel.sum(kernel.times(row, 2 * HALF), kernel.times(column, 2)), c2)
            channel = kernel.times(part, lanes)
            four = [
                kernel.load_floats(kernel.address(source, corner, channel, (y * HALF + x) * c2, of=kind), kind)
                for y, x in FOUR
            ]
            top, place = _maximum(kernel, four)
            if halved:
                top = build.trunc(
                    build.lshr(build.bitcast(top, kernel.ints), kernel.constants([16] * lanes)), kernel.shorts
                )
            out = kernel.sum(start, kernel.times(channel, QUARTER * QUARTER), kernel.times(row, QUARTER), column)
            for lane in range(lanes):
                number = ir.Constant(INT, lane)
                there = kernel.sum(out, lane * QUARTER * QUARTER)
                kernel.store(build.extract_element(top, number), kernel.address(maps, there, of=kind))
                kernel.store(build.extract_element(place, number), kernel.address(places, there, of=BYTE))


def write_gradients(module: ir.Module, c1: int, c2: int, lanes: int, block: int) -> None:
    """Write kernel `gradients`: n, K, images, first, place1, place2, weight2, gradient of second -> sums, scratch.

    The gradient is float32 (n, c2, 7, 7). Each of K tasks writes a row of sums: its part of the gradients of weight1,
    bias1, weight2 and bias2, in the order of their arrays. Task k has the images from n k / K to before n (k + 1) / K,
    so the sums do not depend on who is how fast. `scratch` is room for the gradient of one image's first maps in each
    task, (K, 16, 16, c1) float32.
    """
    kernel = Kernel(module, "gradients", lanes)
    build = kernel.build
    total, tasks = kernel.argument(0), kernel.argument(1)
    images, first, place1, place2, weight2, gradient, sums, scratch = (kernel.array(place) for place in range(2, 10))
    framed = _frame(kernel)
    found = Found(kernel.memory(FLOAT, QUARTER * QUARTER), kernel.memory(WORD, QUARTER * QUARTER))
    size1, size2 = 9 * c1, 9 * c1 * c2
    map_size = _FRAMED * _FRAMED * c1
    with kernel.tasks() as task:
        row = kernel.address(sums, kernel.times(task, size1 + c1 + size2 + c2))
        kernel.clear(row, size1 + c1 + size2 + c2)
        sums1, sums2 = row, kernel.address(row, size1 + c1)
        bias_sums2 = kernel.address(sums2, size2)
        back = kernel.address(scratch, kernel.times(task, map_size))
        begin = build.sdiv(build.mul(total, task), tasks)
        end = build.sdiv(build.mul(total, kernel.sum(task, 1)), tasks)
        with kernel.loop(begin, end) as image:
            maps = kernel.address(first, kernel.times(image, map_size))
            kernel.clear(back, map_size)
            with kernel.count(c2) as channel:
                at = kernel.times(kernel.sum(kernel.times(image, c2), channel), QUARTER * QUARTER)
                count = collect(
                    kernel,
                    kernel.address(gradient, at),
                    kernel.address(place2, at, of=BYTE),
                    found,
                    Shape(QUARTER, _FRAMED, c1),
                )
                there = kernel.address(bias_sums2, channel)
                kernel.store(build.fadd(kernel.load(there, FLOAT), add_up(kernel, found, count)), there)
                of_channel = kernel.times(channel, 9 * c1)
                for start in range(0, c1, block * lanes):
                    window = window_of(_FRAMED, c1, range(start, start + block * lanes, lanes))
                    sum_weight(kernel, kernel.address(sums2, of_channel), maps, found, count, window)
                    spread_back(kernel, kernel.address(weight2, of_channel), back, found, count, window)
            _fill(kernel, framed, images, image)
            places = kernel.address(place1, kernel.times(image, HALF * HALF * c1), of=BYTE)
            _sum_first(kernel, sums1, framed, back, places, c1, block)


def _sum_first(kernel: Kernel, sums: Value, framed: Value, back: Value, places: Value, c1: int, block: int) -> None:
    """Add an image's part to the gradients of the first weights and biases."""
    build, lanes = kernel.build, kernel.lanes
    for start in range(0, c1, block * lanes):
        at = [start + lanes * part for part in range(block)]
        spots = [kernel.address(sums, tap * c1 + channel) for tap in range(10) for channel in at]  # the tenth: bias
        held = [kernel.variable(kernel.floats, kernel.load(spot, kernel.floats)) for spot in spots]
        with kernel.count(HALF) as row, kernel.count(HALF) as column:
            corner = kernel.sum(kernel.times(row, 2 * _ROW), kernel.times(column, 2))
            inside = kernel.times(kernel.sum(kernel.times(row, _FRAMED), column, _FRAMED + 1), c1)
            pooled = kernel.times(kernel.sum(kernel.times(row, HALF), column), c1)
            parts = []
            for part, channel in enumerate(at):
                gradient = kernel.load(kernel.address(back, inside, channel), kernel.floats)
                place = build.zext(
                    kernel.load(kernel.address(places, pooled, channel, of=BYTE), kernel.bytes), kernel.ints
                )
                parts.append(
                    [
                        build.select(
                            build.icmp_unsigned("==", place, kernel.constants([spot] * lanes)), gradient, kernel.zeros()
                        )
                        for spot in range(4)
                    ]
                )
                bias = held[9 * block + part]
                total = build.load(bias, typ=kernel.floats)
                for each in parts[-1]:
                    total = build.fadd(total, each)
                build.store(total, bias)
            for spot, (y, x) in enumerate(FOUR):
                for tap, (down, right) in enumerate(TAPS):
                    where = kernel.address(framed, corner, (y + down) * _ROW + x + right)
                    pixel = kernel.spread(kernel.load(where, FLOAT))
                    for part in range(block):
                        kernel.add_product(held[tap * block + part], pixel, parts[part][spot])
        for spot, place in zip(spots, held, strict=True):
            kernel.store(build.load(place, typ=kernel.floats), spot)


def _maximum(kernel: Kernel, four: list[Value]) -> tuple[Value, Value]:
    """The greatest of four vectors, cut at zero, and which it was, as bytes."""
    build = kernel.build
    top, place = greatest(kernel, four)
    passes = build.fcmp_unordered(">", top, kernel.zeros())
    place = build.select(passes, place, kernel.constants([CUT] * kernel.lanes))
    return build.select(passes, top, kernel.zeros()), build.trunc(place, kernel.bytes)


def _frame(kernel: Kernel) -> Value:
    """Room for an image in a frame of zeros, which are there."""
    framed = kernel.memory(FLOAT, (SIDE + 2) * _ROW)
    kernel.clear(framed, (SIDE + 2) * _ROW)
    return framed


def _fill(kernel: Kernel, framed: Value, images: Value, image: Value) -> None:
    """Put an image into its frame."""
    four = ir.VectorType(FLOAT, 4)
    source = kernel.address(images, kernel.times(image, SIDE * SIDE))
    with kernel.count(SIDE) as row:
        for column in range(0, SIDE, 4):
            pixels = kernel.load(kernel.address(source, kernel.times(row, SIDE), column), four)
            kernel.store(pixels, kernel.address(framed, kernel.times(row, _ROW), _ROW + 1 + column))


def _clear_frame(kernel: Kernel, maps: Value, c1: int, kind: Value) -> None:
    """Write the zeros around a framed map."""
    none = ir.Constant(ir.VectorType(kind, kernel.lanes), None)
    with kernel.count(c1 // kernel.lanes) as part:
        channel = kernel.times(part, kernel.lanes)
        with kernel.count(_FRAMED) as place:
            for start, step in (
                (0, c1),
                ((_FRAMED - 1) * _FRAMED * c1, c1),
                (0, _FRAMED * c1),
                ((_FRAMED - 1) * c1, _FRAMED * c1),
            ):
                kernel.store(none, kernel.address(maps, channel, kernel.times(place, step), start, of=kind))
