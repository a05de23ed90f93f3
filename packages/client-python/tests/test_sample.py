"""Rows as typed tensors."""

import datetime
import json
import math

import pytest

from muster import MusterError
from muster._sample import first_rows, has_none, input_tensors, within_limits

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")


def by_name(rows):
    tensors, is_table = input_tensors(rows)
    return {tensor.name: (tensor.datatype, tensor.data) for tensor in tensors}, is_table


def test_a_frame_is_one_tensor_a_column_in_its_own_type():
    frame = pd.DataFrame(
        {
            "f64": [1.5, math.nan],
            "f32": np.array([0.1, 2], dtype="f4"),
            "f16": np.array([1, 2], dtype="f2"),
            "i64": [1, -(2**62)],
            "i8": np.array([1, 2], dtype="i1"),
            "u16": np.array([1, 2], dtype="u2"),
            "bool": [True, False],
            "text": ["ä", None],
            "category": pd.Categorical(["x", None]),
            "day": pd.to_datetime(["2026-01-02", None]),
            "Int": pd.array([1, None], dtype="Int64"),
            "Int_full": pd.array([1, 2], dtype="Int32"),
            "boolean": pd.array([True, None], dtype="boolean"),
            "mixed": [1, 2.5],
            "number_category": pd.Categorical([3, 4]),
            "when": [datetime.date(2026, 1, 2), None],
        }
    )
    columns, is_table = by_name(frame)
    assert is_table
    assert columns == {
        "f64": ("FP64", [1.5, None]),
        "f32": ("FP32", [float(np.float32(0.1)), 2]),
        "f16": ("FP16", [1, 2]),
        "i64": ("INT64", [1, -(2**62)]),
        "i8": ("INT8", [1, 2]),
        "u16": ("UINT16", [1, 2]),
        "bool": ("BOOL", [True, False]),
        "text": ("BYTES", ["ä", None]),
        "category": ("BYTES", ["x", None]),
        "day": ("BYTES", ["2026-01-02T00:00:00", None]),
        "Int": ("FP64", [1, None]),
        "Int_full": ("INT32", [1, 2]),
        "boolean": ("FP64", [1, None]),
        "mixed": ("FP64", [1, 2.5]),
        "number_category": ("INT64", [3, 4]),
        "when": ("BYTES", ["2026-01-02", None]),
    }


def test_columns_that_are_numbered_are_named_by_their_numbers():
    columns, _ = by_name(pd.DataFrame(np.eye(2)))
    assert list(columns) == ["0", "1"]


def test_a_column_that_is_there_twice_is_refused():
    with pytest.raises(MusterError, match="“a” is there twice"):
        input_tensors(pd.DataFrame([[1, 2]], columns=["a", "a"]))


def test_an_array_is_one_matrix():
    tensors, is_table = input_tensors(np.arange(6, dtype="f4").reshape(2, 3))
    assert not is_table
    assert (tensors[0].name, tensors[0].datatype, tensors[0].shape) == ("input", "FP32", (2, 3))
    assert input_tensors([[1, 2.5], [3, 4]])[0][0].to_json() == {
        "name": "input",
        "datatype": "FP64",
        "shape": [2, 2],
        "data": [1, 2.5, 3, 4],
    }
    assert input_tensors(np.zeros((2, 3, 4)))[0][0].shape == (2, 3, 4)


def test_texts_are_named_text_and_documents_are_json():
    assert input_tensors(["a", "b"])[0][0].to_json() == {
        "name": "text",
        "datatype": "BYTES",
        "shape": [2],
        "data": ["a", "b"],
    }
    assert input_tensors(pd.Series(["a", "b"]))[0][0].name == "text"
    (document,), _ = input_tensors([{"a": np.float64(1), "b": np.arange(2)}])
    assert (document.name, json.loads(document.data[0])) == ("input", {"a": 1.0, "b": [0, 1]})


def test_named_arrays_are_tensors_by_name():
    tensors, is_table = input_tensors({"ids": np.array([[1, 2]]), "mask": [[1, 1]]})
    assert not is_table
    assert [(tensor.name, tensor.datatype, tensor.shape) for tensor in tensors] == [
        ("ids", "INT64", (1, 2)),
        ("mask", "INT64", (1, 2)),
    ]


@pytest.mark.parametrize("rows", [[1.5, math.nan], [np.float32(1.5), np.float32("nan")], {"a": [1.5, math.nan]}])
def test_what_is_missing_is_null(rows):
    (tensor,), _ = input_tensors(rows)
    assert (tensor.datatype, tensor.to_json()["data"]) == ("FP64", [1.5, None])


def test_dates_of_numpy_are_texts_in_microseconds():
    (tensor,), _ = input_tensors({"when": np.array(["2024-01-02", "NaT"], "M8[D]")})
    assert (tensor.datatype, tensor.data) == ("BYTES", ["2024-01-02T00:00:00.000000", None])


def test_what_json_would_round_goes_as_text():
    tensors, _ = input_tensors(pd.DataFrame({"f": [math.inf, -math.inf], "i": [2**53, 1]}))
    assert [tensor.to_json()["data"] for tensor in tensors] == [["Infinity", "-Infinity"], ["9007199254740992", 1]]
    json.dumps([tensor.to_json() for tensor in tensors], allow_nan=False)


@pytest.mark.parametrize("rows", [pd.DataFrame({"a": range(100)}), np.zeros((100, 2)), ["x"] * 100, {"a": [1] * 100}])
def test_at_most_64_rows_are_taken(rows):
    tensors, _ = input_tensors(first_rows(rows))
    assert tensors[0].shape[0] == 64


def test_long_rows_are_fewer():
    tensors, _ = input_tensors(first_rows(["x" * 100_000] * 64))
    kept = within_limits(tensors, [])
    assert 1 <= kept < 11
    assert within_limits(input_tensors(["x" * 5_000_000] * 2)[0], []) == 1


def test_none_among_texts_is_seen():
    assert has_none(pd.DataFrame({"city": np.array(["a", None], dtype=object)}, dtype=object))
    assert not has_none(pd.DataFrame({"city": np.array(["a", math.nan], dtype=object), "n": [1, 2]}))
    assert not has_none(["a", None])


@pytest.mark.parametrize("rows", [5, object(), np.float64(3)])
def test_what_is_no_rows_is_refused(rows):
    with pytest.raises(MusterError) as caught:
        input_tensors(first_rows(rows))
    assert caught.value.code == "invalid_sample"
