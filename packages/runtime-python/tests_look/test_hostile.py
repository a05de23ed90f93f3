"""Whatever the file is: an answer in bounded time and memory, never a traceback."""

from __future__ import annotations

import io
import json
import os
import pickle
import random
import subprocess
import sys
import tempfile
import time
import unittest
import zipfile
import zlib
from typing import Any, Dict

from .made import Array, instance, joblib_dump, look, tar_of, truncations

_LOOK = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "look.py")


def bounded(content: Any, seconds: float = 3.0) -> Dict[str, Any]:
    began = time.monotonic()
    found = look(content, seconds)
    assert time.monotonic() - began < seconds + 15, "it took too long"
    json.dumps(found)
    assert "hostile" not in str(found.get("problem")), found
    return found


class Hostile(unittest.TestCase):
    MODEL = joblib_dump(
        instance(
            "sklearn.tree.Tree",
            _sklearn_version="1.5.2",
            values=Array("f8", bytes(80), 10),
            names=Array("O8", ["a"], 1),
        )
    )

    def test_a_file_that_is_cut_off_anywhere_is_told(self) -> None:
        for data in truncations(self.MODEL, 200):
            self.assertFalse(bounded(data)["ok"])

    def test_files_with_random_damage_get_an_answer(self) -> None:
        chance = random.Random(7)
        tar = tar_of({"MLmodel": "flavors:\n  sklearn:\n    a: b\n", "model.pkl": self.MODEL})
        for _ in range(400):
            data = bytearray(chance.choice([self.MODEL, tar, pickle.dumps([1, "x", {"a": (1.5, None)}])]))
            for _ in range(chance.choice([1, 3, 20])):
                at = chance.randrange(len(data))
                data[at : at + chance.choice([0, 1, 4])] = bytes(
                    chance.randrange(256) for _ in range(chance.choice([1, 4]))
                )
            bounded(bytes(data))

    def test_lengths_that_are_claimed_take_no_memory(self) -> None:
        for start in (
            b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7f",
            b"\x80\x04B\xff\xff\xff\xff",
            b"\x80\x04\x8d" + b"\xff" * 8,
        ):
            self.assertIn("cut off", bounded(start + bytes(100))["problem"]["detail"])

    def test_nesting_without_end_is_followed_without_recursion(self) -> None:
        for data in (
            b"(" * 300_000 + b"t" * 300_000 + b".",
            b"N" + b"\x85" * 300_000 + b".",
            b"]" * 300_000 + b"a" * 299_999 + b".",
        ):
            bounded(b"\x80\x02" + data)

    def test_a_memo_that_contains_itself_is_followed(self) -> None:
        bounded(b"\x80\x02]q\x00h\x00a}q\x01X\x01\x00\x00\x00ah\x01s0.")

    def test_a_million_instructions_end_with_the_time(self) -> None:
        found = bounded(b"\x80\x02" + b"N0" * 3_000_000 + b"N.", 0.3)
        self.assertIn("not everything was looked at", str(found))

    def test_a_bomb_of_zeros_is_given_up(self) -> None:
        compress = zlib.compressobj(9)
        packed = b"".join(compress.compress(bytes(1 << 20)) for _ in range(512)) + compress.flush()
        bounded(packed)
        claims = zlib.compress(b"\x80\x04\x8e" + (1 << 50).to_bytes(8, "little") + bytes(1 << 24))
        self.assertFalse(bounded(claims)["ok"])

    def test_a_zip_that_unpacks_to_more_than_any_schema_is_refused(self) -> None:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            with archive.open("schema.json", "w", force_zip64=True) as file:
                for _ in range(65):
                    file.write(b" " * (1 << 20))
        self.assertIn("larger", bounded(buffer.getvalue())["problem"]["detail"])

    def test_deep_json_and_deep_yaml_are_refused(self) -> None:
        deep = "[" * 200_000
        self.assertFalse(bounded(b'{"learner": ' + deep.encode() + b"}")["ok"])
        self.assertFalse(bounded({"MLmodel": "".join(f"{' ' * at}a:\n" for at in range(500))})["ok"])
        self.assertFalse(bounded({"MLmodel": "a: " + deep})["ok"])

    def test_names_beyond_measure_are_cut(self) -> None:
        found = bounded(b"\x80\x04X" + (5000).to_bytes(4, "little") + b"m" * 5000 + b"\x8c\x01x\x93)\x81.")
        self.assertLess(max(len(entry["what"]) for entry in found["missing"]), 1001)

    def test_the_program_prints_one_document_whatever_comes(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model")
            for data in (b"\x80\x04.", b"\xff" * 10, self.MODEL, b"\x80\x04\x8c\x01\xff\x94."):
                with open(path, "wb") as file:
                    file.write(data)
                ended = subprocess.run([sys.executable, "-I", _LOOK, path], capture_output=True, timeout=60, check=True)
                self.assertIn("ok", json.loads(ended.stdout))
                self.assertEqual(ended.stderr, b"")
        missing = subprocess.run(
            [sys.executable, "-I", _LOOK, "/no/such/file"], capture_output=True, timeout=60, check=True
        )
        self.assertFalse(json.loads(missing.stdout)["ok"])
