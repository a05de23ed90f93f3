"""What models print is cut and counted."""

from __future__ import annotations

import unittest

from muster_runtime.printing import MAX_BYTES_PER_SECOND, MAX_LINE_BYTES, LineLimiter


class PrintingTest(unittest.TestCase):
    def setUp(self) -> None:
        self.now = 0.0
        self.lines: list[str] = []
        self.is_read = True
        self.limiter = LineLimiter(self.take, lambda: self.now)

    def take(self, line: str) -> bool:
        if self.is_read:
            self.lines.append(line)
        return self.is_read

    def test_lines_are_passed_on_whole(self) -> None:
        for part in (b"one\ntw", b"o\n\nth", b"ree"):
            self.limiter.feed(part)
        self.assertEqual(self.lines, ["one", "two"])
        self.limiter.flush()
        self.assertEqual(self.lines, ["one", "two", "three"])

    def test_a_long_line_is_cut_and_says_so(self) -> None:
        self.limiter.feed(b"x" * (MAX_LINE_BYTES + 100) + b"\nnext\n")
        self.assertEqual(self.lines, ["x" * MAX_LINE_BYTES + " … (100 more bytes)", "next"])

    def test_more_than_a_second_may_have_is_left_out_and_counted(self) -> None:
        line = b"y" * 1023 + b"\n"
        for _ in range(1000):
            self.limiter.feed(line)
        self.assertEqual(len(self.lines), MAX_BYTES_PER_SECOND // len(line))
        self.now = 1.5
        self.limiter.feed(b"again\n")
        self.assertEqual(self.lines[-1], "again")
        self.assertRegex(self.lines[-2], r"^\(9\d{5} bytes that the model printed were left out\)$")

    def test_what_nobody_reads_is_left_out_and_counted(self) -> None:
        self.is_read = False
        self.limiter.feed(b"lost\n")
        self.is_read, self.now = True, 2.0
        self.limiter.feed(b"kept\n")
        self.assertEqual(self.lines, ["(4 bytes that the model printed were left out)", "kept"])

    def test_a_gigabyte_in_one_line_takes_no_memory(self) -> None:
        chunk = b"z" * 1_000_000
        for _ in range(100):
            self.limiter.feed(chunk)
        self.limiter.feed(b"\n")
        self.assertLess(len(self.lines[0]), MAX_LINE_BYTES + 100)

    def test_a_long_line_that_is_left_out_is_counted_whole(self) -> None:
        self.limiter.feed(b"y" * 1023 + b"\n")
        for _ in range(100):
            self.limiter.feed(b"y" * 1023 + b"\n")
        left_out = (101 - len(self.lines)) * 1023
        for _ in range(10):
            self.limiter.feed(b"z" * 100_000)
        self.limiter.feed(b"z" * 100_000 + b"\n" + b"z" * 10)
        self.limiter.flush()
        self.assertEqual(self.lines[-1], f"({left_out + 1_100_010} bytes that the model printed were left out)")


if __name__ == "__main__":
    unittest.main()
