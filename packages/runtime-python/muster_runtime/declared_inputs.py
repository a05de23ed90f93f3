"""Inputs of a model whose folder declares them: rows are cast to what is declared, or made."""

from __future__ import annotations

from collections.abc import Mapping

from .cells import Cells, beside, cells_of, pack_cells, pick
from .inputs import Inputs
from .loaded_model import LoadedModel
from .problem import Problem
from .sample import Sample
from .signature import Signature
from .tensors import Tensor
from .warm_up import made_tensor


def declared_inputs(model: LoadedModel, signature: Signature, sample: Sample | None) -> Inputs:
    """Throws `invalid_sample`."""
    known = Inputs(signature.inputs, signature.features, model.is_table, [], False, [])
    if sample is not None:
        return known._replace(tensors=fit_sample(signature, cells_of(sample.inputs)))
    if model.example is not None:
        try:
            return known._replace(tensors=fit_sample(signature, model.example))
        except Problem:
            pass  # an example that does not fit its own signature tells nothing
    made = [made_tensor(spec, "{}" if spec.is_json else "a text") for spec in signature.inputs]
    return known._replace(tensors=made, is_made=True)


def fit_sample(signature: Signature, cells: Mapping[str, Cells]) -> list[Tensor]:
    """Columns by name, or the only one there is, as the signature has them. Throws `invalid_sample`."""
    only = signature.inputs[0]
    if len(signature.inputs) > 1:
        return [
            pack_cells(spec, pick(cells, spec.name))
            for spec in signature.inputs
            if not spec.optional or spec.name in cells
        ]
    first = next(iter(cells.values()))
    if only.name in cells:
        return [pack_cells(only, cells[only.name])]
    if len(cells) == 1 and len(first.shape) == len(only.shape):
        return [pack_cells(only, first)]
    if signature.features is not None:
        return [pack_cells(only, beside([pick(cells, name) for name in signature.features]))]
    return [pack_cells(only, beside(list(cells.values())))]
