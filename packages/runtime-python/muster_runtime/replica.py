"""A model that answers tensors with tensors."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from .intake import choose_kind, make_intake, order_inputs
from .loaded_model import LoadedModel
from .outputs import Answer, fit_to_spec, to_answer
from .problem import Problem, describe
from .signature import Signature
from .tensors import Tensor


class Replica:
    """Runs batches. `signature.outputs` may be empty while they are being found out."""

    def __init__(self, model: LoadedModel, signature: Signature, is_table: bool) -> None:
        self.model = model
        self._signature = signature
        self._specs = {spec.name: spec for spec in signature.outputs}
        self.kind = choose_kind(model, signature, is_table)
        self._intake = make_intake(self.kind, model, signature)

    def run(self, tensors: Sequence[Tensor], wanted: Sequence[str] | None = None) -> tuple[list[Tensor], int]:
        """Outputs in the order asked for (the signature's where none were), and the microseconds that it took.

        Throws `unknown_output`, what `order_inputs` throws, and `model_failed` when the model does.
        """
        for name in wanted or ():
            if name not in self._specs:
                raise Problem("unknown_output", f'the model has no output "{name}"')
        started = time.perf_counter_ns()
        answers = self.answer(tensors, None if wanted is None else frozenset(wanted))
        outputs: list[Tensor] = []
        for name in wanted or self._specs:
            if name not in answers:
                raise Problem("model_failed", f'the model gave no output "{name}" this time')
            outputs.append(fit_to_spec(answers[name], self._specs[name]))
        return outputs, (time.perf_counter_ns() - started) // 1000

    def answer(self, tensors: Sequence[Tensor], wanted: frozenset[str] | None = None) -> dict[str, Answer]:
        """Whatever the model answers, by name."""
        ordered = order_inputs(tensors, self._signature)
        values = self._call(ordered, wanted)
        return {name: self._shape(name, value) for name, value in values.items() if wanted is None or name in wanted}

    def _call(self, tensors: Sequence[Tensor], wanted: frozenset[str] | None) -> dict[str, Any]:
        try:
            return self.model.answer(self._intake(tensors), wanted)
        except Problem:
            raise
        except MemoryError:
            raise Problem("model_failed", "the model ran out of memory", "Send smaller batches.") from None
        except SystemExit as thrown:
            raise Problem("model_failed", f"the model tried to end its process ({describe(thrown)})") from None
        except BaseException as thrown:
            raise Problem("model_failed", "the model failed: " + describe(thrown)) from None

    def _shape(self, name: str, value: Any) -> Answer:
        try:
            return to_answer(name, value)
        except Problem:
            raise
        except MemoryError:
            raise Problem("model_failed", "the model ran out of memory", "Send smaller batches.") from None
        except BaseException as thrown:
            raise Problem("model_failed", f'output "{name}" cannot be sent: ' + describe(thrown)) from None
