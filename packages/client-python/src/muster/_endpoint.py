"""A deployed model, to be called like the model itself."""

from __future__ import annotations

import contextlib
import html
import json
import os
import re
import shutil
from collections.abc import Iterator
from typing import Any

from ._answers import to_answer, to_python
from ._inference import infer
from ._installation import Installation, Json, current, segment
from ._progress import Progress
from ._signature import Signature, bind_rows, read_signature
from .errors import MusterError

_LONGEST_ROW_CHARS = 2000
_SIGNATURE_ERRORS = (
    "invalid_rows",
    "invalid_data",
    "invalid_datatype",
    "invalid_shape",
    "missing_input",
    "unknown_input",
    "unknown_output",
    "version_not_deployed",
)


class Endpoint:
    """The stable name that applications call. Made by `muster.deploy` and `muster.endpoint`."""

    def __init__(self, installation: Installation, document: Json) -> None:
        self._installation = installation
        self._document = document
        self._signature: Signature | None = None

    @property
    def name(self) -> str:
        """The name that applications call."""
        return str(self._document["name"])

    @property
    def url(self) -> str:
        """Where rows are posted as JSON or CSV; a GET explains how."""
        return f"{self._installation.server}/predict/{self.name}"

    @property
    def infer_url(self) -> str:
        """Where clients of the Open Inference Protocol post tensors."""
        return f"{self._installation.server}/v2/models/{self.name}/infer"

    @property
    def version(self) -> int | None:
        """The live version, as of the last look at the server; None where nothing is live."""
        live = _live(self._document)
        return None if live is None else int(live["version"])

    @property
    def model(self) -> str | None:
        """The model that the live version is of."""
        live = _live(self._document)
        return None if live is None else str(live["model"])

    @property
    def signature(self) -> Json | None:
        """What it takes and gives: `inputs`, `outputs`, and where they are known `features` and `labels`."""
        signature: Json | None = self._document.get("signature")
        return signature

    @property
    def classes(self) -> list[str] | None:
        """Names of the classes, in the order of the columns of `predict_proba`."""
        labels = self._contract().labels
        return None if labels is None else list(labels)

    def predict(self, rows: Any, *, timeout_s: float = 60.0) -> Any:
        """What the model's own `predict` gives for these rows.

        `rows` is a data frame, an array, a list of dicts or of lists, or a list of texts. The answer is an array of
        numpy; a data frame where the model answers with several columns; what is no array (JSON) is a list. A large
        frame goes in several requests. What the server cannot take at the moment is sent again for up to `timeout_s`
        seconds.
        """

        def answer(signature: Signature) -> Any:
            primary = _primary(signature)
            names = None if primary is None else [primary]
            return to_answer(self._infer(rows, names, signature, timeout_s), signature)

        return self._with_contract(answer)

    def predict_proba(self, rows: Any, *, timeout_s: float = 60.0) -> Any:
        """The probabilities of the classes, one column each in the order of `classes`. Rows as in `predict`."""

        def answer(signature: Signature) -> Any:
            name = _probabilities(signature)
            return to_python(self._infer(rows, [name], signature, timeout_s)[0], signature)

        return self._with_contract(answer)

    def curl(self) -> str:
        """A line for a shell that asks for one prediction. The shell finds the token itself: none is in the line."""
        example: Any = None
        # One that cannot be explained at the moment can still be asked how it is called.
        with contextlib.suppress(MusterError):
            example = self._installation.call("GET", f"/predict/{segment(self.name)}").get("example")
        token = f'-H "Authorization: Bearer {_token_words(self._installation)}"'
        text = None if example is None else json.dumps(example, ensure_ascii=False)
        if text is None or len(text) > _LONGEST_ROW_CHARS:
            return f"curl -s {self.url} {token}"
        return f"curl -s {self.url} {token} -H 'Content-Type: application/json' -d {_quoted(text)}"

    def status(self) -> Json:
        """The endpoint as the server has it now: `ready`, `standing`, `deployments` with their states and problems."""
        self._refresh()
        return self._document

    def rollback(self, *, force: bool = False) -> Endpoint:
        """Brings back what was live before, and waits until it answers."""
        return self._changed("rollback", {"force": self.name} if force else {}, "rolled back")

    def promote(self) -> Endpoint:
        """Makes the canary (or else the shadow) live, and waits until it answers."""
        return self._changed("promote", None, "promoted")

    def delete(self) -> None:
        """Ends the endpoint at once; its versions stay and can be deployed again."""
        self._installation.call("DELETE", self._path())

    def __repr__(self) -> str:
        live = "nothing live" if self.version is None else f"{self.model}:{self.version}"
        return f"<muster endpoint {self.name} ({live}) at {self.url}>"

    def _repr_html_(self) -> str:
        live = "nothing live" if self.version is None else f"{self.model}:{self.version}"
        ready = "ready" if self._document.get("ready") else "not ready"
        cells = (("endpoint", self.name), ("version", live), ("state", ready), ("url", self.url))
        rows = "".join(
            f"<tr><th style='text-align:left'>{name}</th><td style='text-align:left'>{html.escape(text)}</td></tr>"
            for name, text in cells
        )
        return f"<table>{rows}</table>"

    def _infer(self, rows: Any, names: list[str] | None, signature: Signature, timeout_s: float) -> Any:
        return infer(
            self._installation.http,
            self.name,
            bind_rows(rows, signature),
            names,
            rows_at_once=_rows_at_once(signature, self._document),
            timeout_s=timeout_s,
        )

    def _with_contract(self, answer: Any) -> Any:
        """Asks by what is known of the endpoint; once more where another version may have changed that."""
        signature = self._contract()
        try:
            return answer(signature)
        except MusterError as error:
            if error.code not in _SIGNATURE_ERRORS:
                raise
            self._refresh()
            fresh = self._contract()
            if fresh == signature:
                raise
        return answer(fresh)

    def _contract(self) -> Signature:
        if self._signature is None:
            if self.signature is None:
                self._refresh()
            if self.signature is None:
                raise MusterError(
                    "endpoint_not_ready",
                    f"{self.name} has no live version",
                    title="The endpoint is not ready",
                    remedy="endpoint.status() says what it waits for.",
                )
            self._signature = read_signature(self.signature)
        return self._signature

    def _refresh(self) -> None:
        self._document = read_endpoint(self._installation, self.name)
        self._signature = None

    def _changed(self, verb: str, body: Json | None, done: str) -> Endpoint:
        operation = self._installation.call("POST", f"{self._path()}/{verb}", body)
        progress = Progress()
        self._installation.follow(operation, progress.update)
        self._refresh()
        progress.done(f"{self.name} {done}: {self.model}:{self.version} is live")
        return self

    def _path(self) -> str:
        return f"/api/v1/endpoints/{segment(self.name)}"


def endpoint(name: str) -> Endpoint:
    """The endpoint of this name. Raises `endpoint_not_found`."""
    installation = current()
    return Endpoint(installation, read_endpoint(installation, name))


def endpoints() -> list[Endpoint]:
    """All endpoints that the token may see, by name."""
    return list(_each())


def read_endpoint(installation: Installation, name: str) -> Json:
    """What the server says of an endpoint; to a token that may only predict, its metadata say the needful."""
    try:
        document: Json = installation.call("GET", f"/api/v1/endpoints/{segment(name)}")
        return document
    except MusterError as error:
        if error.status not in (403, 404):
            raise
        refusal = error
    metadata = installation.find(f"/v2/models/{segment(name)}")
    if metadata is None:
        raise refusal
    signature = {"inputs": metadata["inputs"], "outputs": metadata["outputs"]}
    names = {output["name"] for output in metadata["outputs"]}
    if {"label", "probabilities"} >= names and "label" in names:
        signature["primary"] = "label"
    return {"name": name, "signature": signature, "deployments": []}


def _each() -> Iterator[Endpoint]:
    installation = current()
    for document in installation.pages("/api/v1/endpoints"):
        yield Endpoint(installation, document)


def _live(document: Json) -> Json | None:
    """The live deployment; while a new one starts, the one that answers."""
    live = [item for item in document.get("deployments", []) if item["role"] == "live" and item["state"] != "ended"]
    ready = [item for item in live if item["state"] == "ready"]
    found: Json | None = (ready or live or [None])[0]
    return found


def _rows_at_once(signature: Signature, document: Json) -> int | None:
    """The model's limit and those that its deployments set."""
    if signature.rows_at_once is not None:
        return signature.rows_at_once
    limits = [
        item["settings"]["batching"]["maxRows"]
        for item in document.get("deployments", [])
        if item.get("settings", {}).get("batching", {}).get("maxRows") is not None
    ]
    return min(limits, default=None)


def _primary(signature: Signature) -> str | None:
    """The output that is the answer; None where all are. Classifiers that were converted to ONNX name none."""
    if signature.primary is not None or signature.labels is None:
        return signature.primary
    flat = [spec.name for spec in signature.outputs if spec.shape in ((-1,), (-1, 1)) and spec.datatype[0] != "F"]
    return flat[0] if len(flat) == 1 else None


def _probabilities(signature: Signature) -> str:
    named = [spec.name for spec in signature.outputs if re.search(r"probabilit", spec.name)]
    wide = [
        spec.name for spec in signature.outputs if spec.datatype.startswith("FP") and len(spec.shape) == 2 and spec.name
    ]
    found = named or wide
    if found:
        return found[0]
    given = ", ".join(spec.name for spec in signature.outputs)
    raise MusterError(
        "unknown_output", f"the model gives no probabilities, it gives {given}", remedy="Use predict instead."
    )


def _token_words(installation: Installation) -> str:
    """How a shell comes by the token."""
    target = installation.target
    if target.token_from in (None, "argument", "MUSTER_TOKEN") or target.token_key is None:
        return "$MUSTER_TOKEN"
    if shutil.which("muster") is not None and os.environ.get("MUSTER_TOKEN") is None:
        return f"$(muster token --server {_quoted(target.server)})"
    key = re.sub(r"[][\\/.*^$]", r"\\\g<0>", target.token_key)
    return f'$(sed -n \'s/^ *"{key}": "\\([^"]*\\)".*/\\1/p\' {_quoted(str(target.token_from))})'


def _quoted(text: str) -> str:
    """For a shell."""
    return text if re.fullmatch(r"[\w@%+=:,./-]+", text) else "'" + text.replace("'", "'\\''") + "'"
