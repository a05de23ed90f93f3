"""The instructions of a pickle, one function each; `pickletools` of the standard library says what they mean."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Callable, Dict, List

from .pickle_values import MARK, UNKNOWN, Block, Collection, Damaged, Made

if TYPE_CHECKING:
    from .pickle_machine import PickleMachine

Follow = Callable[["PickleMachine"], None]
FOLLOW: Dict[bytes, Follow] = {}


def _on(*opcodes: bytes) -> Callable[[Follow], Follow]:
    def register(follow: Follow) -> Follow:
        for opcode in opcodes:
            FOLLOW[opcode] = follow
        return follow

    return register


def _push_fixed(opcode: bytes, width: int, read: Callable[[bytes], Any]) -> None:
    FOLLOW[opcode] = lambda machine: machine.push(read(machine.take(width)))


def _push_block(opcode: bytes, width: int, is_text: bool) -> None:
    FOLLOW[opcode] = lambda machine: machine.push(machine.block(width, is_text))


def _push_constant(opcode: bytes, make: Callable[[], Any]) -> None:
    def follow(machine: PickleMachine) -> None:
        machine.push(make())

    FOLLOW[opcode] = follow


def _push_line(opcode: bytes, read: Callable[[str], Any]) -> None:
    FOLLOW[opcode] = lambda machine: machine.push(read(machine.line()))


def _signed(data: bytes) -> int:
    return int.from_bytes(data, "little", signed=True)


def _unsigned(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _quoted(text: str) -> str:
    return text[1:-1] if len(text) >= 2 and text[0] in "'\"" else text


_push_fixed(b"J", 4, _signed)
_push_fixed(b"K", 1, _unsigned)
_push_fixed(b"M", 2, _unsigned)
_push_fixed(b"G", 8, lambda data: struct.unpack(">d", data)[0])
_push_block(b"U", 1, True)
_push_block(b"T", 4, True)
_push_block(b"X", 4, True)
_push_block(b"\x8c", 1, True)
_push_block(b"\x8d", 8, True)
_push_block(b"C", 1, False)
_push_block(b"B", 4, False)
_push_block(b"\x8e", 8, False)
_push_block(b"\x96", 8, False)
_push_line(b"I", lambda text: {"00": False, "01": True}.get(text, int(text) if len(text) < 4000 else 0))
_push_line(b"L", lambda text: int(text.rstrip("L") or "0") if len(text) < 4000 else 0)
_push_line(b"F", float)
_push_line(b"S", _quoted)
_push_line(b"V", str)
_push_constant(b"N", lambda: None)
_push_constant(b"\x88", lambda: True)
_push_constant(b"\x89", lambda: False)
_push_constant(b")", tuple)
_push_constant(b"]", lambda: Collection("list"))
_push_constant(b"}", lambda: Collection("dict"))
_push_constant(b"\x8f", lambda: Collection("set"))
_push_constant(b"(", lambda: MARK)
_push_constant(b"\x97", lambda: UNKNOWN)


@_on(b"\x8a")
def _long1(machine: PickleMachine) -> None:
    value = machine.block(1, False)
    machine.push(_signed(value))


@_on(b"\x8b")
def _long4(machine: PickleMachine) -> None:
    value = machine.block(4, False)
    machine.push(UNKNOWN if isinstance(value, Block) else _signed(value))


@_on(b"\x80")
def _protocol(machine: PickleMachine) -> None:
    machine.protocol = machine.take(1)[0]
    if machine.protocol > 5:
        raise Damaged(f"there is no pickle protocol {machine.protocol}")


@_on(b"\x95")
def _frame(machine: PickleMachine) -> None:
    machine.take(8)


@_on(b"\x98")
def _read_only_buffer(machine: PickleMachine) -> None:
    machine.top_of_stack()


@_on(b"0")
def _pop(machine: PickleMachine) -> None:
    machine.pop()


@_on(b"1")
def _pop_mark(machine: PickleMachine) -> None:
    machine.pop_mark()


@_on(b"2")
def _duplicate(machine: PickleMachine) -> None:
    machine.push(machine.top_of_stack())


@_on(b"a")
def _append(machine: PickleMachine) -> None:
    _add(machine, [machine.pop()])


@_on(b"e", b"\x90")
def _appends(machine: PickleMachine) -> None:
    _add(machine, machine.pop_mark())


def _add(machine: PickleMachine, values: List[Any]) -> None:
    target = machine.top_of_stack()
    if isinstance(target, Collection):
        for value in values:
            target.add(value)
    elif isinstance(target, Made):
        target.state.setdefault("[]", Collection("list"))
        for value in values:
            target.state["[]"].add(value)


@_on(b"s")
def _set_item(machine: PickleMachine) -> None:
    value = machine.pop()
    _set(machine, [machine.pop(), value])


@_on(b"u")
def _set_items(machine: PickleMachine) -> None:
    _set(machine, machine.pop_mark())


def _set(machine: PickleMachine, pairs: List[Any]) -> None:
    target = machine.top_of_stack()
    if isinstance(target, Made):
        target = target.state.setdefault("{}", Collection("dict"))
    if isinstance(target, Collection):
        for key, value in zip(pairs[::2], pairs[1::2]):
            target.set(key, value)


def _push_collected(opcode: bytes, kind: str) -> None:
    def follow(machine: PickleMachine) -> None:
        values = machine.pop_mark()
        machine.push(tuple(values) if kind == "tuple" else Collection(kind))
        if kind == "dict":
            _set(machine, values)
        elif kind != "tuple":
            _add(machine, values)

    FOLLOW[opcode] = follow


_push_collected(b"t", "tuple")
_push_collected(b"l", "list")
_push_collected(b"d", "dict")
_push_collected(b"\x91", "set")


def _push_tuple(opcode: bytes, count: int) -> None:
    def follow(machine: PickleMachine) -> None:
        machine.push(tuple(reversed([machine.pop() for _ in range(count)])))

    FOLLOW[opcode] = follow


_push_tuple(b"\x85", 1)
_push_tuple(b"\x86", 2)
_push_tuple(b"\x87", 3)

FOLLOW[b"p"] = lambda machine: machine.put(int(machine.line()))
FOLLOW[b"q"] = lambda machine: machine.put(_unsigned(machine.take(1)))
FOLLOW[b"r"] = lambda machine: machine.put(_unsigned(machine.take(4)))
FOLLOW[b"g"] = lambda machine: machine.get(int(machine.line()))
FOLLOW[b"h"] = lambda machine: machine.get(_unsigned(machine.take(1)))
FOLLOW[b"j"] = lambda machine: machine.get(_unsigned(machine.take(4)))


@_on(b"\x94")
def _memoize(machine: PickleMachine) -> None:
    machine.memoize()


@_on(b"c")
def _global(machine: PickleMachine) -> None:
    module = machine.line()
    machine.look_up(module, machine.line())


@_on(b"\x93")
def _stack_global(machine: PickleMachine) -> None:
    name = machine.pop()
    machine.look_up(machine.pop(), name)


@_on(b"R", b"\x81")
def _call(machine: PickleMachine) -> None:
    arguments = machine.pop()
    machine.make(machine.pop(), arguments)


@_on(b"\x92")
def _call_with_names(machine: PickleMachine) -> None:
    machine.pop()
    arguments = machine.pop()
    machine.make(machine.pop(), arguments)


@_on(b"i")
def _instance(machine: PickleMachine) -> None:
    module = machine.line()
    machine.look_up(module, machine.line())
    of = machine.pop()
    machine.make(of, tuple(machine.pop_mark()))


@_on(b"o")
def _object(machine: PickleMachine) -> None:
    values = machine.pop_mark()
    machine.make(values[0], tuple(values[1:]))


@_on(b"b")
def _build(machine: PickleMachine) -> None:
    machine.build(machine.pop())


@_on(b"P")
def _persistent_line(machine: PickleMachine) -> None:
    machine.line()
    machine.push(UNKNOWN)


@_on(b"Q")
def _persistent(machine: PickleMachine) -> None:
    machine.pop()
    machine.push(UNKNOWN)


def _push_extension(opcode: bytes, width: int) -> None:
    def follow(machine: PickleMachine) -> None:
        machine.take(width)
        machine.oddities.add("a name is looked up by a number that only the reading program knows")
        machine.push(UNKNOWN)

    FOLLOW[opcode] = follow


_push_extension(b"\x82", 1)
_push_extension(b"\x83", 2)
_push_extension(b"\x84", 4)
