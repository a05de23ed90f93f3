"""How much a look may cost: every loop over what a file claims asks here."""

from __future__ import annotations

import time

#: No single text or block is kept beyond this; what is longer is skipped over, and its ends are kept.
KEPT_BYTES = 64 * 1024

#: Of all ends together.
KEPT_BYTES_TOTAL = 64 * 1024 * 1024

#: JSON that is read as a whole: headers and configurations.
JSON_BYTES = 64 * 1024 * 1024

#: Files of a folder or an archive.
ENTRIES = 20_000

#: Instructions of a pickle.
INSTRUCTIONS = 20_000_000

#: What is read out of compressed streams, against bombs.
UNPACKED_BYTES = 64 * 1024 * 1024 * 1024


class Exhausted(Exception):
    """The look took as much as it may; what was found until then still holds."""


class Budget:
    """Time and bytes of one look."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._bytes = UNPACKED_BYTES

    def check(self) -> None:
        if time.monotonic() > self._end:
            raise Exhausted("it takes too long")

    def spend(self, byte_count: int) -> None:
        self._bytes -= byte_count
        if self._bytes < 0:
            raise Exhausted(f"it unpacks to more than {UNPACKED_BYTES >> 30} GiB")
