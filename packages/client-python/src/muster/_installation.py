"""The management API: calls, operations that take longer than a request, and the one installation of this process."""

from __future__ import annotations

import json
import time
import urllib.parse
import uuid
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from ._http import Http, error_of, error_of_problem
from ._target import Target, find_target, is_loopback
from .errors import MusterError

Json = dict[str, Any]

_LONGEST_PAUSE_S = 1.0
_RETRY_S = 30.0


class Installation:
    """One Muster, as the holder of one token sees it."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.server = target.server
        if target.token is not None and target.server.startswith("http:") and not is_loopback(target.server):
            warnings.warn(f"the token crosses the network readable; use https:// for {target.server}", stacklevel=4)
        self.http = Http(target.server, target.token)

    def __repr__(self) -> str:
        return f"<Muster at {self.server}>"

    def call(self, method: str, path: str, body: Any = None, *, timeout_s: float = 30.0) -> Any:
        """The JSON that a route answers; None for 204. Raises the error that the server answered with."""
        headers = {}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body, allow_nan=False, separators=(",", ":")).encode()
        if method == "POST":
            # A repeat after a lost answer has no second effect.
            headers["Idempotency-Key"] = str(uuid.uuid4())
        answer = self.http.request(
            method, path, body=content, headers=headers, timeout_s=timeout_s, retry_s=0.0 if method == "GET" else 5.0
        )
        if answer.status >= 400:
            raise self._explained(error_of(answer))
        return None if answer.status == 204 else answer.json()

    def find(self, path: str) -> Json | None:
        """As `call("GET", path)`; None for what does not exist, or may not be seen."""
        try:
            found: Json = self.call("GET", path)
        except MusterError as error:
            if error.status == 404:
                return None
            raise
        return found

    def pages(self, path: str) -> Iterator[Json]:
        """All items of a list."""
        query = "limit=1000"
        while True:
            page = self.call("GET", f"{path}?{query}")
            yield from page["items"]
            if page.get("next") is None:
                return
            query = f"limit=1000&after={segment(page['next'])}"

    def follow(self, operation: Json, on_change: Callable[[str], None]) -> Json:
        """Waits for the end of an operation and returns it; raises its error when it failed or was cancelled."""
        pause_s = 0.02
        failing_since: float | None = None
        while operation["state"] == "running":
            on_change(str(operation["progress"]))
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)
            try:
                operation = self.call("GET", f"/api/v1/operations/{segment(operation['id'])}")
                failing_since = None
            except MusterError as error:
                # The operation goes on in the server whoever listens: a restart in between is nothing to give up for.
                now = time.monotonic()
                failing_since = failing_since or now
                if error.status not in (None, 429, 502, 503) or now - failing_since > _RETRY_S:
                    raise
        if operation["state"] == "succeeded":
            return operation
        problem = operation.get("problem")
        if problem is not None:
            raise error_of_problem(problem)
        raise MusterError(
            "operation_cancelled", f"operation {operation['id']} was cancelled", title="The work was cancelled"
        )

    def _explained(self, error: MusterError) -> MusterError:
        """Where a sign-in is missing, how one signs in from Python."""
        if error.status == 401:
            error.remedy = (
                f"{self.server} needs a token: muster.login(url, token=…), MUSTER_TOKEN, or `muster login` in a shell; "
                "on the machine of `muster up` one was saved for you."
            )
        return error


def segment(text: object) -> str:
    """A name as one segment of a path. Raises `invalid_request` for what a URL reads as a step."""
    name = str(text)
    if name in ("", ".", ".."):
        raise MusterError("invalid_request", f'"{name}" cannot be a name', title="The request is not valid")
    return urllib.parse.quote(name, safe="")


_current: Installation | None = None


def current() -> Installation:
    """The installation that `login` chose, else the one that environment and configuration name."""
    global _current  # noqa: PLW0603 -- one sign-in a process, as the user sees it
    if _current is None:
        _current = Installation(find_target())
    return _current


def login(url: str | None = None, token: str | None = None) -> None:
    """Chooses the installation that this process talks to, and makes sure that it answers and knows the token.

    Without arguments it is the one of `MUSTER_SERVER` (or `MUSTER_URL`) and `MUSTER_TOKEN`, else the one that
    `muster up` or `muster login` saved on this machine; all other functions find it the same way without this call.
    Nothing is written to disk. Raises `MusterError`: `server_unreachable`, `token_missing`, `token_invalid`.
    """
    global _current  # noqa: PLW0603 -- one sign-in a process, as the user sees it
    installation = Installation(find_target(url, token))
    actor = installation.call("GET", "/api/v1/whoami")
    _current = installation
    print(f"signed in to {installation.server} as {actor['name']}")
