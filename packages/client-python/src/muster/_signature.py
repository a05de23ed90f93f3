"""What an endpoint takes and gives, and how rows of any kind become its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ._encode import Prepared, invalid_rows, prepare
from ._sample import as_known, is_array, is_frame, is_series, json_text


@dataclass(frozen=True)
class Spec:
    """One input or output; -1 in a shape stands for any size."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    optional: bool = False
    nullable: bool = False
    is_json: bool = False

    @property
    def is_column(self) -> bool:
        """Whether a row holds one value of it."""
        return self.shape in ((-1,), (-1, 1), (1,), (1, 1))


@dataclass(frozen=True)
class Signature:
    """The contract of an endpoint with its callers."""

    inputs: tuple[Spec, ...]
    outputs: tuple[Spec, ...]
    features: tuple[str, ...] | None = None
    labels: tuple[str, ...] | None = None
    primary: str | None = None
    rows_at_once: int | None = None
    """Most rows of one request that the model itself allows; None: any number, 0: as many as the caller has."""

    def output(self, name: str) -> Spec | None:
        """The output of this name."""
        return next((spec for spec in self.outputs if spec.name == name), None)


def read_signature(document: Mapping[str, Any]) -> Signature:
    """Of the management API's `signature`, or of the metadata of the Open Inference Protocol."""
    inputs = tuple(_spec(item) for item in document["inputs"])
    outputs = tuple(_spec(item) for item in document["outputs"])
    batched = all(spec.shape[:1] == (-1,) for spec in [*inputs, *outputs]) and not document.get("mixesRows", False)
    single = all(spec.shape[:1] == (1,) for spec in inputs)
    return Signature(
        inputs=inputs,
        outputs=outputs,
        features=None if document.get("features") is None else tuple(document["features"]),
        labels=None if document.get("labels") is None else tuple(document["labels"]),
        primary=document.get("primary"),
        rows_at_once=None if batched else 1 if single else 0,
    )


def bind_rows(rows: Any, signature: Signature) -> list[Prepared]:
    """The inputs that rows stand for. Raises `invalid_rows`, which names what does not fit."""
    rows = as_known(rows)
    inputs = signature.inputs
    first = inputs[0]
    if len(inputs) == 1 and first.is_json and first.is_column:
        return [prepare(first, [json_text(row) for row in _listed(rows)])]
    if isinstance(rows, Mapping):
        if not any(_is_many(value) for value in rows.values()):
            return bind_rows([rows], signature)
        return _by_name({str(key): value for key, value in rows.items()}, signature)
    if is_frame(rows):
        return _frame(rows, signature)
    if isinstance(rows, (list, tuple)) and len(rows) > 0 and all(isinstance(row, Mapping) for row in rows):
        names = list(dict.fromkeys(str(key) for row in rows for key in row))
        texts = [{str(key): value for key, value in row.items()} for row in rows]
        return _by_name({name: [row.get(name) for row in texts] for name in names}, signature)
    if len(inputs) == 1 and (not first.is_column or is_series(rows) or _is_flat(rows)):
        return [prepare(first, rows)]
    return _by_position(rows, signature)


def _frame(frame: Any, signature: Signature) -> list[Prepared]:
    names = [str(name) for name in frame.columns]
    if len(names) == 1 and len(signature.inputs) == 1 and not _is_matrix(signature):
        return [prepare(signature.inputs[0], frame.iloc[:, 0])]
    wanted = _wanted(signature)
    has_own_names = not any(isinstance(name, str) for name in frame.columns)
    if wanted is None or (has_own_names and not set(names) & set(wanted)):
        # Columns that are numbered, or a model that names none: what counts is the order.
        width = signature.inputs[0].shape[1] if _is_matrix(signature) else len(signature.inputs)
        if width not in (-1, len(names)):
            raise invalid_rows(f"the rows have {len(names)} columns, the model takes {width}")
        wanted = names
    else:
        _check_names(names, wanted, signature)
    positions = {name: index for index, name in enumerate(names)}
    if _is_matrix(signature):
        chosen = frame.iloc[:, [positions[name] for name in wanted]]
        spec = signature.inputs[0]
        if all(getattr(dtype, "kind", "O") in "fiub" and _is_plain(dtype) for dtype in chosen.dtypes):
            return [prepare(spec, chosen.to_numpy())]
        columns = {name: chosen.iloc[:, index] for index, name in enumerate(wanted)}
        return [_matrix(spec, columns)]
    return [
        prepare(spec, frame.iloc[:, positions[name]])
        for spec, name in zip(signature.inputs, _in_order(signature, wanted))
        if name in positions
    ]


def _in_order(signature: Signature, wanted: Sequence[str]) -> list[str]:
    """The column of each input: by name, or by position where the rows brought names of their own."""
    names = [spec.name for spec in signature.inputs]
    return names if set(names) & set(wanted) else list(wanted)


def _by_name(columns: Mapping[str, Any], signature: Signature) -> list[Prepared]:
    wanted = _wanted(signature)
    if wanted is None:
        width = signature.inputs[0].shape[1]
        wanted = [f"f{index}" for index in range(width)] if width >= 0 else list(columns)
    if _is_matrix(signature) and signature.inputs[0].name in columns and signature.inputs[0].name not in wanted:
        return [prepare(signature.inputs[0], columns[signature.inputs[0].name])]
    _check_names(list(columns), wanted, signature)
    if _is_matrix(signature):
        return [_matrix(signature.inputs[0], {name: columns[name] for name in wanted})]
    return [prepare(spec, columns[spec.name]) for spec in signature.inputs if spec.name in columns]


def _by_position(rows: Any, signature: Signature) -> list[Prepared]:
    """A matrix, or a list of rows, whose columns stand in the order of the inputs."""
    inputs = signature.inputs
    if is_array(rows) and rows.ndim == 2:
        if rows.shape[1] != len(inputs):
            raise invalid_rows(f"the rows have {rows.shape[1]} columns, the model takes {len(inputs)}")
        return [prepare(spec, rows[:, index]) for index, spec in enumerate(inputs)]
    listed = _listed(rows)
    for index, row in enumerate(listed):
        if not isinstance(row, (list, tuple)) and not is_array(row):
            raise invalid_rows(f"row {index} is no list of {len(inputs)} values")
        if len(row) != len(inputs):
            raise invalid_rows(f"row {index} has {len(row)} values, the model takes {len(inputs)}")
    return [prepare(spec, [row[index] for row in listed]) for index, spec in enumerate(inputs)]


def _matrix(spec: Spec, columns: Mapping[str, Any]) -> Prepared:
    """One matrix of several columns."""
    prepared = [prepare(Spec(name, spec.datatype, (-1,), nullable=spec.nullable), v) for name, v in columns.items()]
    return Prepared.beside(spec.name, prepared)


def _wanted(signature: Signature) -> list[str] | None:
    """The names of the columns that a row has; None where the model names none."""
    if not _is_matrix(signature):
        return [spec.name for spec in signature.inputs]
    return None if signature.features is None else list(signature.features)


def _is_matrix(signature: Signature) -> bool:
    return len(signature.inputs) == 1 and len(signature.inputs[0].shape) == 2 and not signature.inputs[0].is_column


def _check_names(names: Sequence[str], wanted: Sequence[str], signature: Signature) -> None:
    optional = {spec.name for spec in signature.inputs if spec.optional}
    missing = [name for name in wanted if name not in names and name not in optional]
    known = set(wanted)
    extra = [name for name in names if name not in known]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1] if len(set(names)) < len(names) else []
    problems = [
        f"{word} {_quoted(found)}{tail}"
        for word, found, tail in (
            ("lack", missing, ""),
            ("have", extra, ", which the model does not take"),
            ("have", twice, " twice"),
        )
        if found
    ]
    if problems:
        raise invalid_rows(f"the rows {' and '.join(problems)}")


def _spec(item: Mapping[str, Any]) -> Spec:
    return Spec(
        name=str(item["name"]),
        datatype=str(item["datatype"]),
        shape=tuple(int(size) for size in item["shape"]),
        optional=item.get("optional") is True,
        nullable=item.get("nullable") is True,
        is_json=item.get("isJson") is True,
    )


def _listed(rows: Any) -> list[Any]:
    if is_frame(rows):
        return list(rows.to_dict(orient="records"))
    if hasattr(rows, "tolist"):
        return list(rows.tolist())
    if isinstance(rows, (list, tuple)):
        return list(rows)
    raise invalid_rows(
        f"rows are a data frame, an array or a list, not {type(rows).__module__}.{type(rows).__qualname__}"
    )


def _is_flat(rows: Any) -> bool:
    if is_array(rows):
        return bool(rows.ndim == 1)
    return isinstance(rows, (list, tuple)) and not any(isinstance(row, (list, tuple)) or is_array(row) for row in rows)


def _is_many(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or is_array(value) or is_series(value)


def _is_plain(dtype: Any) -> bool:
    return type(dtype).__module__.startswith("numpy")


def _quoted(names: Sequence[str]) -> str:
    shown = ", ".join(f"“{name}”" for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
