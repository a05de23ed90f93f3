"""Rows of any kind as the inputs of an endpoint."""

import math
import struct

import pytest

from muster import MusterError
from muster._encode import prepare
from muster._signature import Spec, bind_rows, read_signature

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")

OUTPUTS = [{"name": "prediction", "datatype": "FP64", "shape": [-1]}]


def signature(*inputs, **more):
    listed = [
        {"name": name, "datatype": datatype, "shape": list(shape), **rest} for name, datatype, shape, rest in inputs
    ]
    return read_signature({"inputs": listed, "outputs": OUTPUTS, **more})


TABLE = signature(
    ("age", "INT64", [-1], {}),
    ("income", "FP64", [-1], {"nullable": True}),
    ("city", "BYTES", [-1], {"nullable": True}),
)
MATRIX = signature(("input", "FP64", [-1, 3], {}), features=["a", "b", "c"])
ROWS = [{"age": 40, "income": 1.5, "city": "Köln"}, {"age": 41, "income": None, "city": None}]


def sent(rows, contract):
    return [(item.name, item.datatype, item.shape, item.part(0, item.rows)[1]) for item in bind_rows(rows, contract)]


def text(*values):
    return b"".join(struct.pack("<I", len(value)) + value for value in values)


TABLE_SENT = [
    ("age", "INT64", (2,), struct.pack("<2q", 40, 41)),
    ("income", "FP64", (2,), struct.pack("<2d", 1.5, math.nan)),
    ("city", "BYTES", (2,), text("Köln".encode(), b"\xff")),
]


@pytest.mark.parametrize(
    "rows",
    [
        ROWS,
        pd.DataFrame(ROWS),
        pd.DataFrame(ROWS)[["city", "income", "age"]],
        pd.DataFrame(ROWS).convert_dtypes(),
        pd.DataFrame(ROWS).astype({"city": "category"}),
        pd.DataFrame(ROWS, index=[7, 7]),
        {"age": [40, 41], "income": np.array([1.5, math.nan]), "city": ["Köln", None]},
        [[40, 1.5, "Köln"], [41, None, None]],
        np.array([[40, 1.5, "Köln"], [41, None, None]], dtype=object),
    ],
    ids=["dicts", "frame", "any order", "nullable types", "categories", "any index", "columns", "lists", "objects"],
)
def test_a_table_may_come_in_many_forms(rows):
    assert sent(rows, TABLE) == TABLE_SENT


@pytest.mark.parametrize(
    "rows",
    [
        np.arange(6).reshape(2, 3),
        np.arange(6, dtype="f4").reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        [[0, 1, 2], [3, 4, 5]],
        pd.DataFrame({"c": [2, 5], "a": [0.0, 3.0], "b": [1, 4]}),
        pd.DataFrame({"c": pd.array([2, 5], dtype="Int64"), "a": [0, 3], "b": [1, 4]}),
        pd.DataFrame(np.arange(6).reshape(2, 3)),
        [{"b": 1, "a": 0, "c": 2}, {"a": 3, "b": 4, "c": 5}],
        {"input": [[0, 1, 2], [3, 4, 5]]},
    ],
    ids=["ints", "floats", "columns first", "lists", "frame", "mixed frame", "numbered", "dicts", "by name"],
)
def test_a_matrix_may_come_in_many_forms(rows):
    assert sent(rows, MATRIX) == [("input", "FP64", (2, 3), struct.pack("<6d", *range(6)))]


def test_one_dict_is_one_row():
    assert sent(ROWS[0], TABLE)[0] == ("age", "INT64", (1,), struct.pack("<q", 40))


def test_texts_go_to_the_one_input():
    contract = signature(("text", "BYTES", [-1], {}))
    expected = [("text", "BYTES", (2,), text(b"a", b"b"))]
    for rows in (["a", "b"], pd.Series(["a", "b"]), pd.DataFrame({"message": ["a", "b"]}), np.array(["a", "b"])):
        assert sent(rows, contract) == expected


def test_documents_go_as_json():
    contract = signature(("input", "BYTES", [-1], {"isJson": True}))
    assert sent([{"a": 1}, ["ü"]], contract)[0][3] == text(b'{"a":1}', '["ü"]'.encode())


def test_columns_of_a_matrix_with_one_column_stay_one():
    contract = signature(("x", "FP32", [-1, 1], {}))
    for rows in ([1, 2], [[1], [2]], np.array([1, 2]), pd.Series([1, 2]), pd.DataFrame({"y": [1, 2]})):
        assert sent(rows, contract) == [("x", "FP32", (2, 1), struct.pack("<2f", 1, 2))]


def test_tensors_of_higher_rank_keep_their_shape():
    contract = signature(("image", "UINT8", [-1, 2, 2], {}))
    image = np.arange(8, dtype="u1").reshape(2, 2, 2)
    assert sent(image, contract) == [("image", "UINT8", (2, 2, 2), bytes(range(8)))]
    assert sent(image.tolist(), contract) == sent(image, contract)


@pytest.mark.parametrize(
    ("rows", "contract", "message"),
    [
        ([{"age": 1, "income": 2.0}], TABLE, "lack “city”"),
        ([{**ROWS[0], "target": 1}], TABLE, "have “target”, which the model does not take"),
        (pd.DataFrame({"a": [1], "b": [2]}), MATRIX, "lack “c”"),
        (np.zeros((2, 4)), MATRIX, "is 2 × 4, the model takes any × 3"),
        (np.zeros(3), MATRIX, r"X\[:1\]"),
        (np.zeros((2, 2)), TABLE, "have 2 columns, the model takes 3"),
        ([{**ROWS[0], "age": None}], TABLE, "“age” has no value in row 0"),
        ([{**ROWS[0], "age": 1.5}], TABLE, "“age” has fractions"),
        ([{**ROWS[0], "age": "forty"}], TABLE, "row 0 of “age” is str, the model takes INT64"),
        (pd.DataFrame([{**ROWS[0], "age": math.nan}]), TABLE, "“age” has missing values"),
        ([{**ROWS[0], "age": 2**63}], TABLE, "beyond the range of INT64"),
        ([[1, 2], [3]], TABLE, "row 0 has 2 values"),
        ("text", TABLE, "rows are a data frame"),
    ],
)
def test_what_does_not_fit_is_named_without_its_values(rows, contract, message):
    with pytest.raises(MusterError, match=message) as caught:
        bind_rows(rows, contract)
    assert caught.value.code == "invalid_rows"
    assert "forty" not in str(caught.value)


@pytest.mark.parametrize(
    "datatype",
    ["BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64", "BF16"],
)
def test_values_become_the_same_bytes_with_and_without_numpy(datatype, monkeypatch):
    values = [True, False, True] if datatype == "BOOL" else [0, 1, 100]
    spec = Spec("x", datatype, (-1,))
    quick = prepare(spec, np.array(values)).part(0, 3)
    monkeypatch.setattr("muster._encode.has_numpy", lambda: None)
    assert prepare(spec, values).part(0, 3) == quick


def test_integers_out_of_range_are_refused():
    for values in (np.array([300]), [300], [-1], np.array([-1])):
        with pytest.raises(MusterError, match="beyond the range of UINT8"):
            prepare(Spec("x", "UINT8", (-1,)), values)


def test_a_part_holds_its_rows_only():
    item = prepare(Spec("x", "FP32", (-1, 2)), np.arange(8).reshape(4, 2))
    assert item.part(1, 3) == ([2, 2], struct.pack("<4f", 2, 3, 4, 5))
    item = prepare(Spec("x", "BYTES", (-1, 2)), np.array([["a", "b"], ["c", "d"]]))
    assert item.part(1, 2) == ([1, 2], text(b"c", b"d"))
