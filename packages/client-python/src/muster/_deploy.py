"""From a fitted object (or a file) to an endpoint that answers."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from ._capture import Capture, capture
from ._endpoint import Endpoint, read_endpoint
from ._handed import handed
from ._installation import Installation, Json, current, segment
from ._networks import exported, is_network
from ._pickled import HandedFile, pickled
from ._progress import Progress
from ._sample import has_none
from ._upload import upload
from .errors import MusterError

_SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def deploy(
    model: Any,
    name: str,
    sample: Any = None,
    *,
    requirements: Sequence[str] | str | Path | None = None,
    python: str | None = None,
    team: str | None = None,
    canary: float | None = None,
    shadow: bool | float = False,
    description: str = "",
    tags: Mapping[str, str] | None = None,
    force: bool = False,
    wait: bool = True,
    quiet: bool = False,
) -> Endpoint:
    """Hands a model over and returns its endpoint once that answers.

    `model` is a fitted object with `predict` (scikit-learn, XGBoost, LightGBM, CatBoost, a class of your own), a
    function, a network of PyTorch or Keras (which travels as ONNX), or the path of a file or folder. `name` is that of
    the endpoint. `sample` is a few rows as the model takes them, such as `X.head()`: its answers here are the proof
    that it answers the same there.

    What the object needs is found out: the exact versions of the packages that it names (`requirements`, a list or the
    path of a file, replaces them) and the minor version of Python (`python`, such as `"3.11"`). `canary` gives the
    version that share of the requests in percent, `shadow` only copies of them; otherwise it becomes the live one.
    `team` owns what is made. `description` and `tags` are kept with the version. `force` deploys although callers would
    break. Without `wait` the endpoint is returned while the version still starts; `quiet` shows no progress.

    Raises `MusterError`, such as `sample_differs`, `requirements_needed`, `server_unreachable`.
    """
    _check(name, canary, shadow)
    progress = Progress(quiet)
    installation = current()
    existing = installation.find(f"/api/v1/endpoints/{segment(name)}")
    live = next((item for item in (existing or {}).get("deployments", []) if item["role"] == "live"), None)
    model_name = name if live is None else str(live["model"])
    owner = team or (None if existing is None else str(existing["team"]))

    opened = _opened(model, sample)
    with opened as file:
        progress.update(f"reading {file.title}")
        known = capture(model, file, sample, requirements, python)
        progress.done(_read_text(file, known))
        try:
            version = _registered(installation, model_name, owner, file, known, progress, description, dict(tags or {}))
        except MusterError as error:
            if error.code == "sample_differs" and has_none(sample):
                error.remedy += (
                    " Texts of the sample are None where they are missing, and arrive as NaN, as read_csv has"
                )
                error.remedy += " them: fit the model on X.where(X.notna(), float('nan'))."
            raise

    body: Json = {"model": model_name, "version": version, **_traffic(canary, shadow)}
    if live is not None:
        # How it is served is the endpoint's, not this version's.
        body["settings"] = live["settings"]
    if team is not None:
        body["team"] = team
    if force:
        body["force"] = name
    started = time.monotonic()
    operation = installation.call("POST", f"/api/v1/endpoints/{segment(name)}/deployments", body)
    if wait:
        installation.follow(operation, progress.update)
        seconds = time.monotonic() - started
        progress.done(f"{model_name}:{version} answers at {installation.server}/predict/{name}, after {seconds:.1f} s")
    return Endpoint(installation, read_endpoint(installation, name))


def _opened(model: Any, sample: Any) -> AbstractContextManager[HandedFile]:
    if isinstance(model, (str, Path)):
        return handed(Path(model))
    if is_network(model):
        return exported(model, sample)
    return pickled(model)


def _registered(
    installation: Installation,
    model_name: str,
    team: str | None,
    file: HandedFile,
    known: Capture,
    progress: Progress,
    description: str,
    tags: dict[str, str],
) -> int:
    """The number of the version; a file that is the latest one already is not registered again."""
    path = f"/api/v1/models/{segment(model_name)}"
    found = installation.find(path)
    if found is None:
        team_part = {} if team is None else {"team": team}
        installation.call("POST", "/api/v1/models", {"name": model_name, **team_part})
    elif found["latestVersion"] is not None:
        latest = installation.call("GET", f"{path}/versions/{found['latestVersion']}")
        if _is_same(latest, file, known, description, tags):
            progress.done(f"it is {model_name}:{latest['number']} already")
            return int(latest["number"])
    upload(installation, file, progress)
    body: Json = {"digest": file.sha256, **known.to_json()}
    if description:
        body["description"] = description
    if tags:
        body["tags"] = tags
    operation = installation.call("POST", f"{path}/versions", body, timeout_s=120.0)
    ended = installation.follow(operation, progress.update)
    version = ended["result"]["version"]
    number = int(version["number"])
    progress.done(f"registered {model_name}:{number}")
    for adaptation in version["facts"].get("adaptations", []):
        progress.note(adaptation)
    return number


def _is_same(latest: Json, file: HandedFile, known: Capture, description: str, tags: dict[str, str]) -> bool:
    if latest["digest"] != file.sha256:
        return False
    if known.sample is not None and latest.get("sampleDigest") is None:
        return False
    if (description and latest["description"] != description) or (tags and latest["tags"] != tags):
        return False
    if known.requirements is None:
        return True
    environment = latest["facts"].get("environment")
    if environment is None:
        return False
    has_python = known.python is None or environment["python"] == known.python
    return has_python and set(known.requirements) <= set(environment["requirements"])


def _traffic(canary: float | None, shadow: bool | float) -> Json:
    if canary is not None:
        return {"role": "canary", "sharePercent": canary}
    if shadow is not False:
        return {"role": "shadow", "sharePercent": 100 if shadow is True else shadow}
    return {"role": "live"}


def _check(name: str, canary: float | None, shadow: bool | float) -> None:
    """All that can be wrong with the call is found before the first request."""
    if not isinstance(name, str) or len(name) > 53 or _SLUG.fullmatch(name) is None:
        raise MusterError(
            "invalid_request",
            f"{name!r} may hold a-z, 0-9 and single hyphens, and begins with a letter",
            title="The name cannot be one of an endpoint",
            remedy="Write it as churn or fraud-eu.",
            place="name",
        )
    if canary is not None and shadow is not False:
        raise MusterError("invalid_request", "a version is either a canary or a shadow", place="shadow")
    for place, share in (("canary", canary), ("shadow", shadow)):
        if share is not None and not isinstance(share, bool) and not 0 <= share <= 100:
            raise MusterError("invalid_request", f"{place} is a share in percent, from 0 to 100", place=place)


def _read_text(file: HandedFile, known: Capture) -> str:
    parts = [f"read {file.title}"]
    if known.requirements is not None:
        parts.append(f"{len(known.requirements)} package{'' if len(known.requirements) == 1 else 's'}")
    if known.python is not None:
        parts.append(f"Python {known.python}")
    if known.sample is None:
        parts.append("no sample: nothing to prove its answers with")
    else:
        rows = known.sample["inputs"][0]["shape"][0]
        parts.append(f"{rows} sample row{'' if rows == 1 else 's'}")
    return ", ".join(parts)
