"""Models that only `mlflow.pyfunc` knows how to call."""

from __future__ import annotations

from typing import Any

from ..loaded_model import LoadedModel
from ..outputs import name_outputs


def wrap_pyfunc(model: Any) -> LoadedModel:
    """Its `predict` checks what it is given against its own schema."""
    flavor = getattr(getattr(model, "metadata", None), "flavors", {}).get("python_function", {})
    return LoadedModel(
        answer=lambda data, wanted: name_outputs(model.predict(data)),
        model_class="mlflow." + str(flavor.get("loader_module", "mlflow.pyfunc")).replace("mlflow.", "", 1),
    )
