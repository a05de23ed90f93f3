"""HTTP/1.1 over kept connections, with the standard library alone."""

from __future__ import annotations

import http.client
import json
import platform
import re
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ._target import is_loopback
from ._version import __version__
from .errors import MusterError

USER_AGENT = f"muster-python/{__version__} python/{platform.python_version()}"

_MAX_ANSWER_BYTES = 2**31
_MAX_ERROR_BYTES = 1_000_000


@dataclass(frozen=True)
class Answer:
    """A whole answer; header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Raises `server_unreachable` where it is not JSON: another program listens there."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise MusterError(
                "server_unreachable",
                "the address answers, but not as Muster does",
                title="The server cannot be reached",
                remedy="Another program seems to listen there: name the right address with muster.login(url).",
            ) from None

    def retry_after_seconds(self) -> float:
        """How long the server wants to be left alone; 0.5 where it does not say."""
        text = self.headers.get("retry-after", "")
        return min(float(text), 3600.0) if re.fullmatch(r"\d{1,9}", text) else 0.5


class Http:
    """Requests to one server. May be used by several threads; each takes a connection of its own for a request."""

    def __init__(self, server: str, token: str | None) -> None:
        self.server = server
        self._token = token
        self._parts = urlsplit(server)
        self._proxy = _proxy_for(server)
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()
        self._tls = ssl.create_default_context() if self._parts.scheme == "https" else None

    def __repr__(self) -> str:
        return f"<connection to {self.server}>"

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 30.0,
        retry_s: float = 0.0,
    ) -> Answer:
        """Sends one request and reads its answer, whatever the status.

        What the server refuses for the moment (429 and 503) is sent again until `retry_s` seconds have passed, and so
        is what found nobody listening. Raises `server_unreachable`.
        """
        deadline = time.monotonic() + retry_s
        while True:
            try:
                answer = self._once(method, path, body, dict(headers or {}), timeout_s)
            except MusterError as error:
                if isinstance(error.__cause__, socket.timeout) or time.monotonic() + 0.2 >= deadline:
                    raise
                time.sleep(0.2)
                continue
            pause = answer.retry_after_seconds()
            if answer.status not in (429, 503) or time.monotonic() + pause >= deadline:
                return answer
            time.sleep(pause)

    def download(self, path: str, write: Callable[[bytes], object], timeout_s: float = 60.0) -> None:
        """Hands the body of an answer over piece by piece. Raises the error that the server answered with."""
        connection, was_used = self._take()
        if was_used:
            # A fresh one: what breaks off in the middle of a file is not begun again by itself.
            connection.close()
        connection.timeout = timeout_s
        headers = {"User-Agent": USER_AGENT}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            connection.request("GET", self._target(path), headers=headers)
            response = connection.getresponse()
            if response.status >= 400:
                found = {key.lower(): value for key, value in response.getheaders()}
                raise error_of(Answer(response.status, found, _read(response, _MAX_ERROR_BYTES)))
            while piece := response.read(1 << 20):
                write(piece)
        except (http.client.HTTPException, OSError) as cause:
            raise self._unreachable(cause, timeout_s) from cause
        finally:
            connection.close()

    def close(self) -> None:
        """Closes the connections that wait for a next request."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _once(self, method: str, path: str, body: bytes | None, headers: dict[str, str], timeout_s: float) -> Answer:
        headers.setdefault("User-Agent", USER_AGENT)
        headers.setdefault("Accept", "application/json")
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        target = self._target(path)
        while True:
            connection, was_used = self._take()
            try:
                return self._exchange(connection, method, target, body, headers, timeout_s)
            except (http.client.HTTPException, OSError) as cause:
                connection.close()
                # The server closes what was idle for long; only a fresh connection tells that it is gone.
                if was_used and not isinstance(cause, socket.timeout):
                    continue
                raise self._unreachable(cause, timeout_s) from cause
            except BaseException:
                # Ctrl-C in the middle of an answer: what is left of it must not become the next one.
                connection.close()
                raise

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        target: str,
        body: bytes | None,
        headers: Mapping[str, str],
        timeout_s: float,
    ) -> Answer:
        connection.timeout = timeout_s
        if connection.sock is not None:
            connection.sock.settimeout(timeout_s)
        is_cut = False
        try:
            connection.request(method, target, body=body, headers=dict(headers))
        except (BrokenPipeError, ConnectionResetError):
            # A server that refuses a body (too large) answers before it has read it all, then stops to read.
            if connection.sock is None:
                raise
            is_cut = True
        response = connection.getresponse()
        limit = _MAX_ANSWER_BYTES if response.status < 400 else _MAX_ERROR_BYTES
        content = _read(response, limit)
        answer = Answer(response.status, {key.lower(): value for key, value in response.getheaders()}, content)
        if response.isclosed() and not response.will_close and not is_cut:
            with self._lock:
                self._idle.append(connection)
        else:
            connection.close()
        return answer

    def _target(self, path: str) -> str:
        """What the first line of a request names: the whole address where a proxy reads it."""
        return (self.server if self._proxy is not None and self._tls is None else self._parts.path) + path

    def _take(self) -> tuple[http.client.HTTPConnection, bool]:
        with self._lock:
            if self._idle:
                return self._idle.pop(), True
        host, port = self._parts.hostname or "", self._parts.port
        if self._proxy is not None:
            proxy = urlsplit(self._proxy)
            if self._tls is None:
                return http.client.HTTPConnection(proxy.hostname or "", proxy.port), False
            tunnel = http.client.HTTPSConnection(proxy.hostname or "", proxy.port, context=self._tls)
            tunnel.set_tunnel(host, port)
            return tunnel, False
        if self._tls is not None:
            return http.client.HTTPSConnection(host, port, context=self._tls), False
        return http.client.HTTPConnection(host, port), False

    def _unreachable(self, cause: Exception, timeout_s: float) -> MusterError:
        why = f"no answer within {timeout_s:g} s" if isinstance(cause, socket.timeout) else _reason(cause)
        start = "Start it on this machine with `muster up`, or name another one: muster.login('https://…', token=…)."
        elsewhere = "Check the address, and that this machine may reach it: muster.login('https://…', token=…)."
        return MusterError(
            "server_unreachable",
            f"{self.server} cannot be reached: {why}",
            title="The server cannot be reached",
            remedy=start if is_loopback(self.server) else elsewhere,
        )


def _read(response: http.client.HTTPResponse, limit: int) -> bytes:
    """The body, up to a limit: what exceeds it is cut off."""
    if response.length is not None and response.length <= limit:
        return response.read()
    content = bytearray()
    # Before Python 3.10 `read(n)` makes room for n bytes first, however few there are.
    while len(content) < limit and (piece := response.read(min(1 << 20, limit - len(content)))):
        content += piece
    return bytes(content)


def error_of(answer: Answer) -> MusterError:
    """The error that an answer stands for, whichever of Muster's faces wrote it."""
    try:
        content = json.loads(answer.body)
    except ValueError:
        content = None
    request_id = answer.headers.get("x-request-id")
    if isinstance(content, dict) and isinstance(content.get("code"), str):
        return error_of_problem(content, request_id)
    if isinstance(content, dict) and isinstance(content.get("error"), str):
        # The Open Inference Protocol has room for one text: `code: detail. remedy`.
        found = re.match(r"([a-z][a-z_]*): (.*)", content["error"], re.DOTALL)
        code, detail = found.groups() if found else (_CODES.get(answer.status, "internal_error"), content["error"])
        return MusterError(code, detail, request_id=request_id, status=answer.status)
    text = answer.body[:500].decode("utf-8", "replace").strip()
    code = _CODES.get(answer.status, "internal_error")
    return MusterError(
        code, text or f"the server answered {answer.status}", request_id=request_id, status=answer.status
    )


def error_of_problem(problem: Mapping[str, Any], request_id: str | None = None) -> MusterError:
    """The error that a problem document (RFC 9457) stands for."""
    status = problem.get("status")
    details = problem.get("details")
    return MusterError(
        str(problem.get("code", "internal_error")),
        str(problem.get("detail", "")),
        title=str(problem.get("title", "")),
        remedy=str(problem.get("remedy", "")),
        place=None if problem.get("place") is None else str(problem["place"]),
        details=details if isinstance(details, dict) else None,
        request_id=str(problem.get("requestId") or request_id or "") or None,
        status=status if isinstance(status, int) else None,
    )


_CODES = {
    400: "invalid_request",
    401: "token_invalid",
    403: "not_allowed",
    404: "endpoint_not_found",
    413: "body_too_large",
    429: "queue_full",
    501: "not_offered",
    502: "endpoint_not_ready",
    503: "endpoint_not_ready",
    504: "deadline_passed",
}


def _proxy_for(server: str) -> str | None:
    parts = urlsplit(server)
    if is_loopback(server) or urllib.request.proxy_bypass(parts.netloc):
        return None
    proxy = urllib.request.getproxies().get(parts.scheme)
    return None if not proxy else proxy if "://" in proxy else f"http://{proxy}"


def _reason(cause: Exception) -> str:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({cause.verify_message}); SSL_CERT_FILE names further authorities"
    return str(cause) or type(cause).__name__
