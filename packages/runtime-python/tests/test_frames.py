"""Frames survive any cutting, and bad ones break the link."""

from __future__ import annotations

import struct
import unittest

from muster_runtime.frames import Frame, FrameReader, Limits, encode_frame
from muster_runtime.problem import Problem


def read_in_steps(data: bytes, step: int) -> list[Frame]:
    reader, found = FrameReader(), []
    for at in range(0, len(data), step):
        reader.push(memoryview(data[at : at + step]), found.append)
    return found


class FramesTest(unittest.TestCase):
    def test_frames_are_read_however_they_are_cut(self) -> None:
        parts = [
            *encode_frame(6, 7, {"replica": "ä"}, [b"abc", b"", b"de"]),
            *encode_frame(10, 0, None),
            *encode_frame(9, 2**32 - 1, {}),
        ]
        data = b"".join(parts)
        for step in (1, 2, 5, 13, 14, 1000):
            frames = read_in_steps(data, step)
            self.assertEqual([(frame.kind, frame.request) for frame in frames], [(6, 7), (10, 0), (9, 2**32 - 1)])
            self.assertEqual([frame.header for frame in frames], [{"replica": "ä"}, None, {}])
            self.assertEqual([bytes(frame.payload) for frame in frames], [b"abcde", b"", b""])

    def test_a_long_payload_is_received_in_its_place(self) -> None:
        payload = bytes(range(256)) * 40_000
        data = b"".join(encode_frame(6, 1, {"a": 1}, [payload]))
        reader, found = FrameReader(), []
        reader.push(memoryview(data[:5000]), found.append)
        target = reader.target()
        assert target is not None
        target[:] = data[5000:]
        reader.took(len(data) - 5000, found.append)
        self.assertEqual(bytes(found[0].payload), payload)

    def test_a_bad_frame_breaks_the_link(self) -> None:
        limits = Limits(max_header_bytes=10, max_payload_bytes=10)
        for prelude in (
            struct.pack("<IBII", 9, 0, 0, 0),
            struct.pack("<IBII", 9, 16, 0, 0),
            struct.pack("<IBII", 9, 1, 0, 5),
            struct.pack("<IBII", 9 + 11, 1, 0, 11),
            struct.pack("<IBII", 9 + 11, 1, 0, 0),
        ):
            with self.assertRaises(Problem) as caught:
                FrameReader(limits).push(memoryview(prelude), lambda frame: None)
            self.assertEqual(caught.exception.code, "link_violation")
        with self.assertRaises(Problem):
            FrameReader().push(memoryview(struct.pack("<IBII", 9 + 1, 1, 0, 1) + b"{"), lambda frame: None)

    def test_what_is_beyond_the_limits_is_not_sent(self) -> None:
        with self.assertRaises(Problem):
            encode_frame(7, 1, {}, [b"12345678901"], Limits(max_payload_bytes=10))


if __name__ == "__main__":
    unittest.main()
