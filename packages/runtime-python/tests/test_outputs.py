"""Every kind of answer becomes tensors, or says why not."""

from __future__ import annotations

import json
import math
import unittest
from typing import Any

from muster_runtime.numbers import has_numpy, to_list
from muster_runtime.outputs import name_outputs, to_answer
from muster_runtime.problem import Problem
from muster_runtime.tensors import Tensor, pack_texts, read_texts


def told(value: Any) -> tuple[str, tuple[int, ...], list[Any]]:
    """Datatype, shape and values."""
    answer = to_answer("x", value)
    tensor = answer.tensor
    if tensor.datatype == "BYTES":
        texts = read_texts(tensor)
        return (
            "JSON" if answer.is_json else "BYTES",
            tensor.shape,
            list(map(json.loads, texts)) if answer.is_json else texts,
        )
    return tensor.datatype, tensor.shape, to_list(tensor)


class OutputsTest(unittest.TestCase):
    def test_lists(self) -> None:
        self.assertEqual(told([1, 2]), ("INT64", (2,), [1, 2]))
        self.assertEqual(told([1, 2.5]), ("FP64", (2,), [1.0, 2.5]))
        self.assertEqual(told([True, False]), ("BOOL", (2,), [True, False]))
        self.assertEqual(told(["a", None, "ü"]), ("BYTES", (3,), ["a", None, "ü"]))
        self.assertEqual(told([[1, 2], [3, 4]]), ("INT64", (2, 2), [1, 2, 3, 4]))
        self.assertEqual(told([[1], [2, 3]]), ("JSON", (2,), [[1], [2, 3]]))
        self.assertEqual(told([{"a": 1}, {"b": math.nan}]), ("JSON", (2,), [{"a": 1}, {"b": None}]))
        self.assertEqual(told([2**70]), ("JSON", (1,), [2**70]))
        self.assertEqual(told([]), ("JSON", (0,), []))

    def test_single_values(self) -> None:
        self.assertEqual(told(1.5), ("FP64", (), [1.5]))
        self.assertEqual(told({"a": [1]}), ("JSON", (1,), [{"a": [1]}]))

    def test_what_json_cannot_hold_is_a_failure_of_the_model(self) -> None:
        with self.assertRaises(Problem) as caught:
            to_answer("x", [object()])
        self.assertEqual(caught.exception.code, "model_failed")

    def test_texts_round_trip(self) -> None:
        for texts in ([], [""], ["a", "", "日本", None], ["x" * 70_000]):
            packed = pack_texts(texts)
            self.assertEqual(read_texts(Tensor("t", "BYTES", (len(texts),), packed)), texts)

    @unittest.skipUnless(has_numpy(), "numpy is not here")
    def test_arrays(self) -> None:
        import numpy

        for dtype, name in (
            ("f4", "FP32"),
            ("f8", "FP64"),
            ("f2", "FP16"),
            ("i4", "INT32"),
            ("u1", "UINT8"),
            ("?", "BOOL"),
        ):
            self.assertEqual(told(numpy.array([[0, 1]], dtype)), (name, (1, 2), [0, 1]))
        self.assertEqual(told(numpy.array([1, 2], ">i8")), ("INT64", (2,), [1, 2]))
        self.assertEqual(told(numpy.arange(6).reshape(2, 3).T[:, :1]), ("INT64", (3, 1), [0, 1, 2]))
        self.assertEqual(told(numpy.array(["a", "b"])), ("BYTES", (2,), ["a", "b"]))
        self.assertEqual(told(numpy.array(["a", None, math.nan], object)), ("BYTES", (3,), ["a", None, None]))
        self.assertEqual(told(numpy.array([1, 2], object)), ("INT64", (2,), [1, 2]))
        self.assertEqual(told([numpy.float64(1.5), numpy.float64(2)]), ("FP64", (2,), [1.5, 2.0]))
        self.assertEqual(told(numpy.array(["2024-01-02"], "M8[D]"))[2][0][:10], "2024-01-02")
        dates = numpy.array([["2024-01-02", "NaT"]], "M8[ns]")
        self.assertEqual(told(dates), ("BYTES", (1, 2), ["2024-01-02T00:00:00.000000", None]))
        self.assertEqual(told(numpy.float32(0.5)), ("FP32", (), [0.5]))
        self.assertEqual(told([numpy.ones(2), numpy.ones(2)])[:2], ("FP64", (2, 2)))

    def test_frames_and_dicts_are_named(self) -> None:
        self.assertEqual(list(name_outputs({"a": [1], "b": ["x"]})), ["a", "b"])
        self.assertEqual(list(name_outputs({"a": 1})), ["prediction"])
        try:
            import pandas
        except ImportError:
            return
        frame = pandas.DataFrame({"n": [1, 2], "t": ["a", None], "g": pandas.array([1, None], dtype="Int64")})
        outputs = {name: told(value) for name, value in name_outputs(frame).items()}
        self.assertEqual(outputs["n"], ("INT64", (2,), [1, 2]))
        self.assertEqual(outputs["t"], ("BYTES", (2,), ["a", None]))
        self.assertEqual(outputs["g"][:2], ("FP64", (2,)))
        self.assertEqual(told(pandas.Series(["a", "b"], dtype="category")), ("BYTES", (2,), ["a", "b"]))
        self.assertEqual(told(pandas.Series([1.5, 2.5])), ("FP64", (2,), [1.5, 2.5]))
        self.assertEqual(told(pandas.Series([True, False], dtype="boolean")), ("BOOL", (2,), [True, False]))
        gaps = told(pandas.Series([True, None], dtype="boolean"))
        self.assertEqual((gaps[:2], gaps[2][0], math.isnan(gaps[2][1])), (("FP64", (2,)), 1.0, True))


if __name__ == "__main__":
    unittest.main()
