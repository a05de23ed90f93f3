"""What the headers of frames say, checked: the other side may be of another version."""

from __future__ import annotations

from typing import Any, NamedTuple

from .frames import LINK_VERSION
from .problem import violation
from .signature import Signature, read_signature

FORMATS = ("pickle", "joblib", "skops", "xgboost", "lightgbm", "catboost", "mlflow", "huggingface", "folder")


class LoadRequest(NamedTuple):
    """A wish for a replica."""

    replica: str
    file: str
    format: str
    signature: Signature
    is_table: bool
    # Headers of the sample's tensors, whose bytes are the payload; None without a sample.
    sample: Any


def check_hello(header: Any) -> None:
    """Throws `link_violation` if the greeting is none, or of another version of the link."""
    link = header.get("link") if isinstance(header, dict) else None
    if not isinstance(link, int):
        raise violation("the first frame of a connection must be a hello")
    if link != LINK_VERSION:
        role = header.get("role", "other side")
        raise violation(f"the {role} speaks version {link} of the runtime link, this runner version {LINK_VERSION}")


def replica_of(header: Any) -> str:
    """The replica that a frame is about."""
    replica = header.get("replica") if isinstance(header, dict) else None
    if not isinstance(replica, str):
        raise violation("the frame names no replica")
    return replica


def read_load_request(header: Any) -> LoadRequest:
    """What is to be loaded, and how its inputs are to be understood."""
    replica = replica_of(header)
    file, python, sample = header.get("file"), header.get("python"), header.get("sample")
    if not isinstance(file, str) or not isinstance(python, dict):
        raise violation(f'the request to load "{replica}" has no file, or does not say what it is')
    if python.get("format") not in FORMATS:
        raise violation(f'the request to load "{replica}" names no format that the Python runtime reads')
    signature = read_signature(python.get("signature"))
    return LoadRequest(replica, file, python["format"], signature, python.get("isTable") is True, sample)


def wanted_outputs(header: Any) -> list[str] | None:
    """Names of the outputs to compute; None for all."""
    outputs = header.get("outputs")
    if outputs is None:
        return None
    if not isinstance(outputs, list) or not all(isinstance(name, str) for name in outputs):
        raise violation("the outputs of a request are not a list of names")
    return list(dict.fromkeys(outputs)) or None
