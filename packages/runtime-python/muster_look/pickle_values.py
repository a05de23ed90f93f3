"""What the values of a pickle look like to somebody who does not make them."""

from __future__ import annotations

from typing import Any, Dict, List, Optional


class Damaged(Exception):
    """These are not the instructions of a pickle, or they make no sense."""


class Global:
    """A name that the pickle looks up: `sklearn.pipeline.Pipeline`."""

    __slots__ = ("module", "name", "is_by_value")

    def __init__(self, module: str, name: str, is_by_value: bool = False) -> None:
        self.module = module
        self.name = name
        #: The class itself travels in the file, as cloudpickle does it.
        self.is_by_value = is_by_value

    @property
    def path(self) -> str:
        return f"{self.module}.{self.name}"


class Made:
    """An object that the pickle would make, with the state that it would be given."""

    __slots__ = ("maker", "arguments", "state")

    def __init__(self, maker: Any, arguments: Any) -> None:
        self.maker = maker
        self.arguments = arguments
        self.state: Dict[str, Any] = {}

    @property
    def of(self) -> Optional[Global]:
        """The class that it is of, as far as the file tells."""
        maker = self.maker
        if not isinstance(maker, Global):
            return None
        first = self.arguments[0] if isinstance(self.arguments, tuple) and self.arguments else None
        if maker.name in ("_reconstructor", "_reconstruct", "__newobj__", "__newobj_ex__") and isinstance(
            first, Global
        ):
            return first
        return maker


class Block:
    """A long text or a long run of bytes: its length and its ends."""

    __slots__ = ("length", "head", "tail", "is_text")

    def __init__(self, length: int, head: bytes, tail: bytes, is_text: bool) -> None:
        self.length = length
        self.head = head
        self.tail = tail
        self.is_text = is_text


class Collection:
    """A list, set or dictionary; of what is in it, no more than is of use."""

    __slots__ = ("kind", "items", "entries", "count")

    #: More are counted only.
    KEPT = 10_000

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.items: List[Any] = []
        self.entries: Dict[str, Any] = {}
        self.count = 0

    def add(self, value: Any) -> None:
        self.count += 1
        if len(self.items) < self.KEPT:
            self.items.append(value)

    def set(self, key: Any, value: Any) -> None:
        self.count += 1
        if isinstance(key, str) and (key in self.entries or len(self.entries) < self.KEPT):
            self.entries[key] = value
        elif isinstance(value, (Made, Collection)) and len(self.items) < self.KEPT:
            self.items.append(value)


class Unknown:
    """A value of which nothing is known: from the registry of extensions, or from outside."""

    __slots__ = ()


UNKNOWN = Unknown()

#: Begins the values of an instruction that takes many.
MARK = object()
