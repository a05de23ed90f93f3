"""The first answer of a replica: to its sample, or to rows that are made for it."""

from __future__ import annotations

from collections.abc import Sequence

from .problem import Problem
from .replica import Replica
from .signature import Signature, TensorSpec
from .tensors import SIZES, Tensor, element_count, pack_texts


def warm_up(replica: Replica, signature: Signature, sample: Sequence[Tensor] | None) -> str:
    """Says in words what was answered. Throws `deployment_failed` if nothing is."""
    if sample is not None:
        try:
            replica.run(sample)
        except Problem as problem:
            raise Problem(
                "deployment_failed",
                "the model does not answer its sample: " + problem.detail,
                "Hand over a sample that the model accepts.",
            ) from None
        return "the sample"
    first: Problem | None = None
    for text, words in (("", "a row of zeros and empty texts"), ("{}", "a row of zeros and empty documents")):
        try:
            replica.run([made_tensor(spec, text) for spec in signature.inputs])
            return words
        except Problem as problem:
            first = first or problem
    raise Problem(
        "deployment_failed",
        "the model answered no input that could be made for it: " + (first.detail if first else ""),
        "Hand over a sample with the version (muster model push --sample rows.csv).",
    )


def made_tensor(spec: TensorSpec, text: str = "") -> Tensor:
    """Zeros or a text, in one row."""
    shape = tuple(1 if size < 0 else size for size in spec.shape)
    count = element_count(shape)
    if spec.datatype == "BYTES":
        return Tensor(spec.name, "BYTES", shape, pack_texts([text] * count))
    return Tensor(spec.name, spec.datatype, shape, bytearray(count * SIZES[spec.datatype]))
