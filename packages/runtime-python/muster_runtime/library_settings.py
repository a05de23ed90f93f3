"""Settings of libraries that hold for every model, made before any is imported."""

from __future__ import annotations

import os
import warnings


def threads() -> int | None:
    """Threads that numeric libraries may use, as the host has set; None: their own choice."""
    text = os.environ.get("OMP_NUM_THREADS", "")
    return int(text) if text.isdigit() and int(text) > 0 else None


def set_up_libraries() -> None:
    """No network, no telemetry, no bars of progress; temporary files in the scratch folder."""
    defaults = {
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": os.getcwd(),
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
    # Warnings of each run would only fill the log; those of loading are kept where they tell something.
    warnings.simplefilter("ignore")
