"""What is closed stays closed in the command that runs, and nothing runs where it cannot be closed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import unittest
from typing import Any

from muster_runtime import confine

PROGRAM = confine.__file__


def run(wish: Any, code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", PROGRAM, json.dumps(wish), "--", sys.executable, "-I", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


class ConfineTest(unittest.TestCase):
    def setUp(self) -> None:
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = os.path.realpath(self.temporary.name)
        self.own = os.path.join(self.folder, "own")
        os.mkdir(self.own)
        self.secret = os.path.join(self.folder, "secret")
        with open(self.secret, "w", encoding="utf8") as file:
            file.write("secret")
        self.readable = [os.path.realpath(sys.base_prefix), os.path.realpath(sys.prefix)]

    def tearDown(self) -> None:
        self.temporary.cleanup()

    def test_limits_hold_in_the_command(self) -> None:
        wish = {"landlock": "no", "limits": {"nofile": 77, "core": 0, "unheard_of": 1}}
        ended = run(wish, "import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE))")
        self.assertEqual(ended.stdout.strip(), "(77, 77)", ended.stderr)

    @unittest.skipIf(confine.abi() == 0, "this kernel has no Landlock")
    def test_files_are_refused_but_those_that_are_named(self) -> None:
        wish = {"landlock": "must", "read": self.readable, "write": [self.own]}
        ended = run(wish, f"open({os.path.join(self.own, 'x')!r}, 'w').close(); open({self.secret!r})")
        self.assertTrue(os.path.exists(os.path.join(self.own, "x")), ended.stderr)
        self.assertIn("PermissionError", ended.stderr)
        wish["read"] = [*self.readable, self.secret]
        self.assertEqual(run(wish, f"print(open({self.secret!r}).read())").stdout.strip(), "secret")

    @unittest.skipIf(confine.abi() == 0, "this kernel has no Landlock")
    def test_what_the_command_starts_is_confined_too(self) -> None:
        wish = {"landlock": "must", "read": self.readable, "write": [self.own]}
        code = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-I', '-c', %r]))" % (
            f"open({self.secret!r})"
        )
        self.assertIn("PermissionError", run(wish, code).stderr)

    def test_nothing_runs_where_the_wish_cannot_be_read(self) -> None:
        ended = subprocess.run(
            [sys.executable, "-I", "-S", PROGRAM, "{", "--", sys.executable, "-c", "print(1)"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.assertEqual((ended.returncode, ended.stdout), (126, ""))
        self.assertIn("the cage could not be closed", ended.stderr)


if __name__ == "__main__":
    unittest.main()
