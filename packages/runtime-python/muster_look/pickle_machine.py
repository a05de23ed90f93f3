"""Follows the instructions of a pickle without carrying any of them out.

joblib writes the bytes of arrays between the instructions, so a list of instructions is not enough: the machine keeps
the stack in outline, knows when an array follows, and how long it is.
"""

from __future__ import annotations

import struct
from typing import Any, Dict, List, Optional, Set, Tuple

from .array_bytes import array_after, is_array_wrapper
from .budget import INSTRUCTIONS, KEPT_BYTES, KEPT_BYTES_TOTAL, Budget, Exhausted
from .pickle_instructions import FOLLOW
from .pickle_values import MARK, UNKNOWN, Block, Collection, Damaged, Global, Made
from .stream import Stream


class PickleMachine:
    """Follows one pickle to its end; `top` is what it would make."""

    def __init__(self, stream: Stream, budget: Budget, depth: int = 0) -> None:
        self._stream = stream
        self._budget = budget
        self._depth = depth
        self._stack: List[Any] = []
        self._memo: Dict[int, Any] = {}
        self._kept = 0
        self.protocol = 0
        self.instruction_count = 0
        self.top: Any = UNKNOWN
        #: Names that are looked up, in order.
        self.globals: Dict[Tuple[str, str], Global] = {}
        #: Calls that would be made, as far as they are of use: who is called, with what.
        self.made: List[Made] = []
        #: What no ordinary pickle does, and what hides names from who reads along.
        self.oddities: Set[str] = set()
        self.has_arrays_between = False
        #: Why it was not followed to its end.
        self.stopped: Optional[str] = None

    def run(self) -> None:
        """Raises `Damaged` and `Truncated`; where the budget ends, says so in `stopped`."""
        try:
            self._follow()
        except Exhausted as exhausted:
            self.stopped = str(exhausted)
        except (IndexError, struct.error, ValueError) as error:
            raise Damaged(f"at byte {self._stream.position}: {type(error).__name__}") from error

    def _follow(self) -> None:
        """The loop over all instructions, of which large models have millions."""
        take = self._stream.take
        follow_of = FOLLOW.get
        while True:
            self.instruction_count += 1
            if self.instruction_count % 4096 == 0:
                self._budget.check()
                if self.instruction_count > INSTRUCTIONS:
                    raise Exhausted(f"it has more than {INSTRUCTIONS:,} instructions")
            opcode = take(1)
            follow = follow_of(opcode)
            if follow is not None:
                follow(self)
            elif opcode == b".":
                self.top = self._stack.pop() if self._stack else UNKNOWN
                return
            else:
                raise Damaged(f"{opcode!r} at byte {self._stream.position - 1} is no instruction of a pickle")

    # Reading

    def take(self, count: int) -> bytes:
        return self._stream.take(count)

    def line(self) -> str:
        return self._stream.line().decode("utf-8", "replace")

    def block(self, width: int, is_text: bool) -> Any:
        """Text or bytes with their length before them."""
        length = int.from_bytes(self._stream.take(width), "little")
        if length <= KEPT_BYTES:
            data = self._stream.take(length)
            return data.decode("utf-8", "replace") if is_text else data
        keep = KEPT_BYTES if self._kept < KEPT_BYTES_TOTAL else 0
        self._kept += 2 * keep
        head, tail = self._stream.skip(length, keep, keep)
        return Block(length, head, tail, is_text)

    # The stack

    def push(self, value: Any) -> None:
        self._stack.append(value)

    def pop(self) -> Any:
        return self._stack.pop()

    def pop_mark(self) -> List[Any]:
        for at in range(len(self._stack) - 1, -1, -1):
            if self._stack[at] is MARK:
                items = self._stack[at + 1 :]
                del self._stack[at:]
                return items
        raise Damaged("a mark is missing")

    def top_of_stack(self) -> Any:
        return self._stack[-1]

    def put(self, index: int) -> None:
        self._memo[index] = self._stack[-1]

    def memoize(self) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def get(self, index: int) -> None:
        if index not in self._memo:
            raise Damaged(f"nothing was kept as {index}")
        self._stack.append(self._memo[index])

    # What it makes

    def look_up(self, module: Any, name: Any) -> None:
        if isinstance(module, Block) or isinstance(name, Block):
            self.oddities.add("a name that is looked up is longer than any real one")
        if not isinstance(module, str) or not isinstance(name, str):
            self.oddities.add("a name that is looked up is put together while the pickle is read")
            self.push(UNKNOWN)
            return
        found = self.globals.get((module, name))
        if found is None:
            found = Global(module, name)
            if len(self.globals) >= 100_000:
                raise Exhausted("it looks up more than 100,000 names")
            self.globals[(module, name)] = found
        self.push(found)

    def make(self, maker: Any, arguments: Any) -> None:
        made = Made(maker, arguments)
        if len(self.made) < 1_000_000:
            self.made.append(made)
        self.push(made)

    def build(self, state: Any) -> None:
        target = self._stack[-1]
        parts = state if isinstance(state, tuple) else (state,)
        if isinstance(target, Made):
            for part in parts:
                if isinstance(part, Collection) and part.kind == "dict":
                    target.state.update(part.entries)
            if parts and not target.state:
                target.state["()"] = parts
        if isinstance(target, Made) and is_array_wrapper(target):
            self._skip_array(target)

    def _skip_array(self, wrapper: Made) -> None:
        self.has_arrays_between = True
        length, alignment = array_after(wrapper)
        if length is None:
            # An array of Python objects is a pickle of its own between the instructions.
            if self._depth > 50:
                raise Damaged("arrays of objects are nested too deep")
            inner = PickleMachine(self._stream, self._budget, self._depth + 1)
            inner.globals = self.globals
            inner.made = self.made
            inner.oddities = self.oddities
            inner.run()
            if inner.stopped is not None:
                raise Exhausted(inner.stopped)
            wrapper.state["array"] = inner.top
            return
        if alignment is not None:
            self._stream.skip(self._stream.take(1)[0])
        self._stream.skip(length)
