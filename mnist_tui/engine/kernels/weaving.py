"""Loops, vectors and addresses in LLVM's language: what the kernels are written in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

BYTE, SHORT, INT, WORD, FLOAT = (*map(ir.IntType, (8, 16, 32, 64)), ir.FloatType())
POINTER = ir.PointerType()
COUNTER, TASKS, FIRST_ARGUMENT = 0, 1, 2
"""Places in a kernel's words: tasks taken so far, how many there are, and its own arguments."""

Value = Any  # llvmlite has no types of its own


def new_module() -> Value:
    """What functions are put into."""
    return ir.Module()


def word(value: int) -> Value:
    """A number for counting and addressing."""
    return ir.Constant(WORD, value)


class Kernel:
    """A function `void name(int64 *words)` under construction; any number of threads call it with the same words.

    Each takes one task after the other until none is left. Numbers in vectors are float32, `lanes` of them.
    """

    def __init__(self, module: ir.Module, name: str, lanes: int) -> None:
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER]), name)
        self.lanes = lanes
        self.floats = ir.VectorType(FLOAT, lanes)
        self.ints = ir.VectorType(INT, lanes)
        self.bytes = ir.VectorType(BYTE, lanes)
        self.shorts = ir.VectorType(SHORT, lanes)
        self.build = ir.IRBuilder(function.append_basic_block())
        (self._words,) = function.args

    def argument(self, place: int) -> Value:
        """The whole number at `place` of the kernel's own arguments."""
        where = self.build.gep(self._words, [word(FIRST_ARGUMENT + place)], source_etype=WORD)
        return self.build.load(where, typ=WORD)

    def array(self, place: int) -> Value:
        """The address at `place` of the kernel's own arguments."""
        return self.build.inttoptr(self.argument(place), POINTER)

    @contextmanager
    def tasks(self) -> Iterator[Value]:
        """The body is done for every task that this thread takes; ends the function."""
        build = self.build
        total = build.load(build.gep(self._words, [word(TASKS)], source_etype=WORD), typ=WORD)
        take, work, end = (build.append_basic_block() for _ in range(3))
        build.branch(take)
        build.position_at_end(take)
        task = build.atomic_rmw("add", self._words, word(1), "monotonic")
        build.cbranch(build.icmp_signed("<", task, total), work, end)
        build.position_at_end(work)
        yield task
        build.branch(take)
        build.position_at_end(end)
        build.ret_void()

    @contextmanager
    def loop(self, start: Value, stop: Value) -> Iterator[Value]:
        """The body is done for every whole number from `start` to before `stop`."""
        build = self.build
        before, check, body, after = build.block, *(build.append_basic_block() for _ in range(3))
        build.branch(check)
        build.position_at_end(check)
        place = build.phi(WORD)
        place.add_incoming(start, before)
        build.cbranch(build.icmp_signed("<", place, stop), body, after)
        build.position_at_end(body)
        yield place
        place.add_incoming(build.add(place, word(1)), build.block)
        build.branch(check)
        build.position_at_end(after)

    def count(self, stop: int) -> Any:
        """As `loop`, from zero to before a number known now."""
        return self.loop(word(0), word(stop))

    def sum(self, *terms: Value) -> Value:
        """Of whole numbers."""
        total, *others = (word(term) if isinstance(term, int) else term for term in terms)
        for other in others:
            total = self.build.add(total, other)
        return total

    def times(self, value: Value, factor: int) -> Value:
        """A whole number multiplied by one known now."""
        return self.build.mul(value, word(factor))

    def address(self, array: Value, *terms: Value, of: Value = FLOAT) -> Value:
        """Where the element of `array` lies whose place is the sum of `terms`."""
        return self.build.gep(array, [self.sum(*terms)], source_etype=of)

    def load(self, address: Value, kind: Value) -> Value:
        """What lies at `address`; a vector may begin at any of its elements."""
        return self.build.load(address, typ=kind, align=_alignment(kind))

    def store(self, value: Value, address: Value) -> None:
        """The opposite of `load`."""
        self.build.store(value, address, align=_alignment(value.type))

    def variable(self, kind: Value, value: Value | None = None) -> Value:
        """A place in a register that holds zero, or `value`; made once, wherever it is asked for."""
        place = self.memory(kind, 1)
        self.build.store(ir.Constant(kind, None) if value is None else value, place)
        return place

    def memory(self, kind: Value, size: int) -> Value:
        """Room for `size` elements on this thread's stack."""
        with self.build.goto_entry_block():
            place = self.build.alloca(kind, size=word(size))
        # A pointer without the type that llvmlite still gives it and LLVM no longer knows.
        return ir.FormattedConstant(POINTER, place.get_reference())

    def spread(self, number: Value) -> Value:
        """A float32 in every lane."""
        build, blank = self.build, ir.Constant(self.floats, ir.Undefined)
        one = build.insert_element(blank, number, ir.Constant(INT, 0))
        return build.shuffle_vector(one, blank, ir.Constant(self.ints, [0] * self.lanes))

    def zeros(self) -> Value:
        """Zero in every lane."""
        return ir.Constant(self.floats, None)

    def add_product(self, place: Value, one: Value, other: Value) -> None:
        """Add a product to the variable at `place`, rounded once."""
        self.build.store(self.fma(one, other, self.build.load(place, typ=self.floats)), place)

    def fma(self, one: Value, other: Value, third: Value) -> Value:
        """`one * other + third`, rounded once."""
        module, name = self.build.module, f"llvm.fma.v{self.lanes}f32"
        known = module.globals.get(name)
        return self.build.call(
            known or ir.Function(module, ir.FunctionType(self.floats, [self.floats] * 3), name), [one, other, third]
        )

    def clear(self, array: Value, size: int) -> None:
        """Fill the first `size` float32 of `array`, a multiple of the lanes, with zeros."""
        with self.count(size // self.lanes) as part:
            self.store(self.zeros(), self.address(array, self.times(part, self.lanes)))

    def load_floats(self, address: Value, kind: Value) -> Value:
        """Float32 from as many float32, or from as many bfloat16 where `kind` is that of two bytes."""
        if kind == FLOAT:
            return self.load(address, self.floats)
        upper = self.build.zext(self.load(address, self.shorts), self.ints)
        return self.build.bitcast(self.build.shl(upper, self.constants([16] * self.lanes)), self.floats)

    def round_to_bfloat16(self, vector: Value) -> Value:
        """The nearest bfloat16 of float32, to even where two are as near, as whole numbers of 16 bits."""
        build, sixteen = self.build, self.constants([16] * self.lanes)
        bits = build.bitcast(vector, self.ints)
        odd = build.and_(build.lshr(bits, sixteen), self.constants([1] * self.lanes))
        rounded = build.add(bits, build.add(odd, self.constants([0x7FFF] * self.lanes)))
        return build.trunc(build.lshr(rounded, sixteen), self.shorts)

    def constants(self, values: Sequence[int]) -> Value:
        """Whole numbers of 32 bits, lane by lane."""
        return ir.Constant(self.ints, list(values))


def _alignment(kind: Value) -> int:
    element = kind.element if isinstance(kind, ir.VectorType) else kind
    return 4 if element == FLOAT else int(element.width) // 8
