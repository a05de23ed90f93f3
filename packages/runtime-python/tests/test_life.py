"""The process that runs a model: what it says, survives and ends with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest
from typing import Any

from muster_runtime import frames
from muster_runtime.tensors import Tensor, pack_texts, read_texts

from .runner_child import PACKAGE, LinkClient, RunnerChild, prove

# One row in, one out, by name of what to do; neither numpy nor anything else is needed.
MODEL = """
import os, sys, time

def load(path):
    return os.path.basename(path)

def predict(model, data):
    answers = []
    for row in data:
        what = row["do"]
        if what == "print":
            for _ in range(row["times"]):
                print("x" * 1023)
        if what == "print natively":
            os.write(2, b"y" * row["times"])
        if what == "exit":
            sys.exit(3)
        if what == "fail":
            raise ValueError("no such " + "thing " * 1000)
        if what == "memory":
            raise MemoryError
        if what == "sleep":
            time.sleep(row["seconds"])
        if what == "hang":
            while True:
                pass
        answers.append({"did": what})
    return answers
"""
SIGNATURE = {
    "inputs": [{"name": "input", "datatype": "BYTES", "shape": [-1], "isJson": True}],
    "outputs": [{"name": "prediction", "datatype": "BYTES", "shape": [-1], "isJson": True}],
}


def doing(*documents: str) -> Tensor:
    return Tensor("input", "BYTES", (len(documents),), pack_texts(documents))


class LifeTest(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        # Without site-packages: the runtime needs nothing but the standard library.
        self.runner = self.enterContext(RunnerChild(flags=("-S",))) if sys.version_info >= (3, 11) else self.opened()
        self.client = self.runner.connect()
        self.addCleanup(self.client.sock.close)

    def opened(self) -> RunnerChild:
        runner = RunnerChild(flags=("-S",))
        self.addCleanup(runner.__exit__)
        return runner

    def packed(self, source: str, name: str = "model.py") -> str:
        path = os.path.join(self.folder.name, "model.tar")
        file = os.path.join(self.folder.name, "source")
        with open(file, "w", encoding="utf-8") as opened:
            opened.write(source)
        with tarfile.open(path, "w") as archive:
            archive.add(file, arcname=name)
        return path

    def load(self, source: str = MODEL, sample: Tensor | None = None) -> frames.Frame:
        file = self.packed(source)
        python = {"format": "folder", "signature": SIGNATURE, "isTable": False}
        rows = sample or doing('{"do": "nothing"}')
        header = {"replica": "r", "file": file, "python": python, "sample": [rows.header()]}
        return self.client.ask(frames.LOAD, header, [rows.data])

    def do(self, document: str) -> Any:
        answer = self.client.infer("r", [doing(document)])
        return read_texts(answer["prediction"]) if "prediction" in answer else answer

    def ended(self, within: float) -> int:
        return self.runner.child.wait(within)

    def test_a_folder_without_numpy_answers_documents(self) -> None:
        loaded = self.load()
        self.assertEqual(loaded.kind, frames.LOADED, loaded.header)
        self.assertEqual(loaded.header["warmup"], "the sample")
        answer = self.client.infer("r", [doing('{"do": "a"}', '{"do": "ü"}')])
        self.assertEqual(read_texts(answer["prediction"]), ['{"did": "a"}', '{"did": "ü"}'])
        self.assertEqual(self.client.events, [{"replica": "r", "state": "ready"}])
        report = self.client.ask(frames.HEALTH, None).header
        self.assertEqual(
            [(one["replica"], one["state"], one["runs"]) for one in report["replicas"]], [("r", "ready", 1)]
        )
        self.assertGreater(report["rssBytes"], 1_000_000)
        self.assertGreater(report["cpuMicros"], 1000)

    def test_it_never_answers_for_another_replica(self) -> None:
        self.load()
        self.assertEqual(self.client.infer("other", [doing('{"do": "a"}')])["code"], "replica_not_loaded")
        self.assertEqual(self.client.ask(frames.UNLOAD, {"replica": "r"}).kind, frames.UNLOADED)
        self.assertEqual(self.do('{"do": "a"}')["code"], "replica_not_loaded")
        self.assertEqual(self.client.events[-1], {"replica": "r", "state": "gone"})

    def test_a_model_that_fails_says_so_and_answers_the_next_one(self) -> None:
        self.load()
        problem = self.do('{"do": "fail"}')
        self.assertEqual(problem["code"], "model_failed")
        self.assertIn("ValueError: no such thing", problem["detail"])
        self.assertLess(len(problem["detail"]), 1000)
        self.assertNotIn("Traceback", problem["detail"])
        self.assertIn("end its process", self.do('{"do": "exit"}')["detail"])
        self.assertIn("out of memory", self.do('{"do": "memory"}')["detail"])
        self.assertEqual(self.do("no document")["code"], "invalid_data")
        self.assertEqual(self.do('{"do": "b"}'), ['{"did": "b"}'])

    def test_a_model_that_does_not_load_says_why(self) -> None:
        cases = {
            "import no_such_module_here": "the module no_such_module_here is not installed",
            "import sys\nsys.exit(1)": "ends the process",
            "def load(path): return 1": "no predict",
            "def load(path): raise OSError('gone')\ndef predict(model, data): pass": "OSError: gone",
            "1 +": "SyntaxError",
        }
        for source, reason in cases.items():
            problem = self.load(source).header
            self.assertEqual(problem["code"], "model_unloadable", problem)
            self.assertIn(reason, problem["detail"])
            self.assertEqual(self.client.events[-1]["state"], "failed")
        self.assertEqual(self.load().kind, frames.LOADED)

    def test_a_sample_that_is_not_answered_fails_the_load(self) -> None:
        self.assertEqual(self.load(sample=doing('{"do": "fail"}')).header["code"], "deployment_failed")

    def test_what_is_printed_is_bounded_and_never_in_the_way(self) -> None:
        self.load()
        self.assertEqual(self.do('{"do": "print", "times": 50000}'), ['{"did": "print"}'])
        self.assertEqual(self.do('{"do": "print natively", "times": 500000}'), ['{"did": "print natively"}'])
        # Nobody has read any of it so far.
        said, _ = self.runner.child.communicate(timeout=20)
        self.assertEqual(self.runner.child.returncode, 0)
        lines = said.split(b"\n")
        self.assertLess(sum(map(len, lines)), 1_000_000)
        self.assertTrue(any(b"were left out" in line for line in lines))
        self.assertLess(max(map(len, lines)), 5000)

    def test_a_request_that_has_not_begun_can_be_cancelled(self) -> None:
        self.load()
        slow, waiting, last = doing('{"do": "sleep", "seconds": 0.5}'), doing('{"do": "b"}'), doing('{"do": "c"}')
        for number, tensor in ((101, slow), (102, waiting), (103, last)):
            self.client.send(frames.INFER, number, {"replica": "r", "inputs": [tensor.header()]}, [tensor.data])
        self.client.send(frames.CANCEL, 102, None)
        self.assertEqual([self.client.receive().request for _ in range(2)], [101, 103])

    def test_a_signal_ends_it_after_the_run_under_way(self) -> None:
        self.load()
        tensor = doing('{"do": "sleep", "seconds": 1}')
        self.client.send(frames.INFER, 7, {"replica": "r", "inputs": [tensor.header()]}, [tensor.data])
        self.begun()
        self.runner.child.send_signal(signal.SIGTERM)
        self.assertEqual(self.client.receive().kind, frames.RESULT)
        self.assertEqual(self.ended(10), 0)

    def test_it_ends_with_its_parent_also_while_the_model_hangs(self) -> None:
        self.load()
        tensor = doing('{"do": "hang"}')
        self.client.send(frames.INFER, 7, {"replica": "r", "inputs": [tensor.header()]}, [tensor.data])
        self.begun()
        assert self.runner.child.stdin is not None
        self.runner.child.stdin.close()
        started = time.monotonic()
        self.ended(20)
        self.assertLess(time.monotonic() - started, 15)

    def begun(self) -> None:
        """Waits until the model computes: another connection is greeted meanwhile."""
        client = self.runner.connect()
        client.sock.close()
        time.sleep(0.1)

    def test_peers_that_break_the_rules_are_told_and_cut_off(self) -> None:
        stranger = LinkClient(self.runner.path)
        self.addCleanup(stranger.sock.close)
        self.assertEqual(stranger.receive().kind, frames.HELLO)
        stranger.send(frames.HEALTH, 1, None)
        self.assertEqual(stranger.receive().header["code"], "link_violation")
        with self.assertRaises(EOFError):
            stranger.receive()
        newer = LinkClient(self.runner.path)
        self.addCleanup(newer.sock.close)
        newer.receive()
        newer.send(frames.HELLO, 0, {"link": 99, "role": "gateway"})
        self.assertIn("version 99", newer.receive().header["detail"])
        self.assertEqual(self.client.ask(frames.BODY, None).header["code"], "link_violation")
        self.assertEqual(self.client.ask(frames.HEALTH, None).kind, frames.HEALTH_REPORT)


class ProofTest(unittest.TestCase):
    def test_what_a_model_prints_does_not_spoil_the_proof(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "model.py"), "w") as file:
                file.write(
                    "import os\nprint('hello')\nos.write(1, b'{}')\n"
                    "def load(path): return None\n"
                    "def predict(model, data): return [len(row) for row in data]\n"
                )
            path = os.path.join(folder, "model.tar")
            with tarfile.open(path, "w") as archive:
                archive.add(os.path.join(folder, "model.py"), arcname="model.py")
            proof = prove(path, "folder")
            self.assertEqual(proof["problem"]["code"], "sample_needed")

    def test_wrong_arguments_are_told(self) -> None:
        for words in (["--file"], ["--nothing", "1"], ["--file", "x", "--format", "y"], ["stray"]):
            done = subprocess.run(
                [sys.executable, "-I", os.path.join(PACKAGE, "prove.py"), *words],
                capture_output=True,
                stdin=subprocess.DEVNULL,
            )
            self.assertEqual(done.returncode, 1)
            self.assertIn(b'"event": "failed"', done.stdout)


if __name__ == "__main__":
    unittest.main()
