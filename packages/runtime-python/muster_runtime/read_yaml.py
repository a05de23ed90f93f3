"""Modules of this package's other half, which is not on the module path of the model."""

from __future__ import annotations

import os
import sys
from typing import Any


def read_yaml(text: str) -> Any:
    """YAML as MLflow writes it, by PyYAML where the environment has it. Throws what the reader throws."""
    try:
        import yaml
    except ImportError:
        folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        sys.path.insert(0, folder)
        try:
            from muster_look import simple_yaml
        finally:
            sys.path.remove(folder)
        return simple_yaml.read_yaml(text)
    return yaml.safe_load(text)
