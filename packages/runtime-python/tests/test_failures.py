"""What went wrong at load is told so that its owner can act on it."""

from __future__ import annotations

import os
import pickle
import tempfile
import unittest

from muster_runtime.load_failure import explain_load_failure, package_of
from muster_runtime.loaders import load_model
from muster_runtime.problem import MAX_MESSAGE, Problem, describe, remember_secrets


class FailuresTest(unittest.TestCase):
    def explained(self, thrown: BaseException) -> tuple[str, str]:
        problem = explain_load_failure(thrown)
        self.assertEqual(problem.code, "model_unloadable")
        return problem.detail, problem.document()["remedy"]

    def loaded(self, content: bytes, kind: str = "pickle") -> Problem:
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            with self.assertRaises(Problem) as caught:
                load_model(file.name, kind)
        return caught.exception

    def test_a_missing_module_is_named_with_its_package(self) -> None:
        detail, remedy = self.explained(ModuleNotFoundError("No module named 'skimage'", name="skimage.io"))
        self.assertIn("the module skimage is not installed", detail)
        self.assertIn("Add scikit-image to its requirements", remedy)
        self.assertEqual(package_of("some_thing"), "some-thing")

    def test_no_message_holds_a_secret_that_the_runner_was_given(self) -> None:
        self.addCleanup(remember_secrets, {})
        environment = {"MUSTER_RUNNER_SECRETS": "KEY,CERT,GONE", "KEY": "s3cr\"et", "CERT": "line one\nline two"}
        remember_secrets(environment)
        self.assertEqual(describe(ValueError("bad s3cr\"et")), "ValueError: bad •••")
        self.assertEqual(describe(KeyError("s3cr\"et")), "KeyError: '•••'")
        self.assertEqual(describe(ValueError("in line one\nline two.")), "ValueError: in •••.")
        long = describe(ValueError("x" * (MAX_MESSAGE - 4) + "s3cr\"et"))
        self.assertNotIn("s3c", long)

    def test_a_missing_part_of_a_library_means_another_version(self) -> None:
        detail, remedy = self.explained(ModuleNotFoundError("No module", name="json.no_such_part"))
        self.assertIn("json has no module json.no_such_part here", detail)
        self.assertIn("versions that it was made with", remedy)

    def test_a_class_of_a_notebook_is_told_from_one_of_another_version(self) -> None:
        detail, remedy = self.explained(AttributeError("Can't get attribute 'Mine' on <module '__main__' from 'x'>"))
        self.assertIn("its class Mine was made in a notebook", detail)
        self.assertIn("muster.deploy", remedy)
        detail, _ = self.explained(AttributeError("Can't get attribute 'Mine' on <module 'sklearn.tree'>"))
        self.assertIn("another version", detail)

    def test_another_python_is_recognised(self) -> None:
        for thrown in (
            ValueError("unsupported pickle protocol: 9"),
            TypeError("code() argument 13 must be str, not int"),
            SystemError("unknown opcode"),
        ):
            self.assertIn("--python", self.explained(thrown)[1])

    def test_files_that_are_no_pickles(self) -> None:
        self.assertIn("no pickle", self.loaded(b"age,income\n1,2\n").detail)
        self.assertIn("too early", self.loaded(pickle.dumps(list(range(1000)))[:500]).detail)
        self.assertIn("torch.save", self.loaded(b"PK\x03\x04" + bytes(100)).detail)
        self.assertIn("holds a dict with 'model'", self.loaded(pickle.dumps({"model": 1})).detail)
        self.assertIn("not a fitted object", self.loaded(pickle.dumps(dict)).detail)
        self.assertIn("no MLmodel", self.loaded(b"\0" * 10240, "mlflow").detail)
        with self.assertRaises(Problem):
            load_model(os.path.join(tempfile.gettempdir(), "no such file"), "pickle")

    def test_messages_are_cut_and_have_no_traces(self) -> None:
        self.assertLess(len(describe(ValueError("x" * 10_000))), MAX_MESSAGE + 50)
        self.assertEqual(describe(ValueError("a\n  b")), "ValueError: a b")
        self.assertEqual(describe(RuntimeError("bad Stack trace: [bt] (0)")), "RuntimeError: bad")


if __name__ == "__main__":
    unittest.main()
