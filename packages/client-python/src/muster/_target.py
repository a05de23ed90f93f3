"""Which server to talk to and as whom: argument > environment > the file that the command line keeps > default."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .errors import MusterError

DEFAULT_SERVER = "http://localhost:7070"

_LOOPBACK = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?(/|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Target:
    """A server, a token for it, and how a shell would come by that token without it being written down."""

    server: str
    token: str | None = field(repr=False)
    token_from: str | None
    """`"argument"`, `"MUSTER_TOKEN"`, or the path of the configuration file."""
    token_key: str | None = None
    """The spelling of the server under which the file keeps the token."""


def find_target(url: str | None = None, token: str | None = None, env: Mapping[str, str] | None = None) -> Target:
    """Finds both; `token` is None where none is known. Raises `invalid_configuration`."""
    env = os.environ if env is None else env
    path = config_path(env)
    config = _read(path)
    wanted, place = next(
        (value, place)
        for value, place in (
            (url, "url"),
            (env.get("MUSTER_SERVER"), "MUSTER_SERVER"),
            (env.get("MUSTER_URL"), "MUSTER_URL"),
            (config.get("server"), str(path)),
            (DEFAULT_SERVER, "default"),
        )
        if value
    )
    server = server_url(str(wanted), place)
    if token:
        return Target(server, _one_line(token, "token"), "argument")
    if env.get("MUSTER_TOKEN"):
        return Target(server, _one_line(env["MUSTER_TOKEN"], "MUSTER_TOKEN"), "MUSTER_TOKEN")
    tokens = config.get("tokens") or {}
    key = next((spelling for spelling in [server, *_spellings(server)] if spelling in tokens), None)
    return Target(server, None, None) if key is None else Target(server, tokens[key], str(path), key)


def config_path(env: Mapping[str, str]) -> Path:
    """Where `muster up` and `muster login` keep the default server and the tokens."""
    if env.get("MUSTER_CONFIG_DIR"):
        return Path(env["MUSTER_CONFIG_DIR"]) / "config.json"
    return Path(env.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "muster" / "config.json"


def state_folder(env: Mapping[str, str]) -> Path:
    """Folder of what may be lost without harm; the command line uses the same."""
    return Path(env.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "muster"


def server_url(text: str, place: str) -> str:
    """The address in its one spelling: with a scheme, without a last `/`. Raises `invalid_configuration`."""
    with_scheme = f"http://{text}" if _LOOPBACK.match(text) else text
    try:
        parts = urlsplit(with_scheme)
        valid = parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
        if parts.port == 0:
            valid = False
    except ValueError:
        valid = False
    if not valid:
        raise _invalid(
            f"`{text}` is no address of a server", place, f"Write it as {DEFAULT_SERVER} or https://muster.example.com."
        )
    if "@" in parts.netloc:
        raise _invalid("an address carries no password", place, "Give the token: muster.login(url, token=…).")
    default_port = {"http": 80, "https": 443}[parts.scheme.lower()]
    netloc = parts.netloc.lower()
    if parts.port == default_port:
        netloc = netloc[: netloc.rindex(":")]
    return f"{parts.scheme.lower()}://{netloc}{parts.path.rstrip('/')}"


def is_loopback(server: str) -> bool:
    """Whether what is sent stays on this machine."""
    return _LOOPBACK.match(urlsplit(server).netloc) is not None


def _spellings(server: str) -> list[str]:
    if not is_loopback(server):
        return []
    netloc = urlsplit(server).netloc
    port = re.sub(r"^(\[::1\]|[^:]+)", "", netloc)
    return [server.replace(netloc, name + port, 1) for name in ("localhost", "127.0.0.1", "[::1]")]


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        content = None
    if isinstance(content, dict) and isinstance(content.get("tokens", {}), dict):
        return content
    raise _invalid(
        f"{path} is not a configuration", str(path), "Remove the file and sign in again with `muster login`."
    )


def _one_line(token: str, place: str) -> str:
    token = token.strip()
    if token == "" or len(token) > 10_000 or re.search(r"[^\x21-\x7e]", token):
        raise _invalid("this is not a token", place, "A token is one line without spaces.")
    return token


def _invalid(detail: str, place: str, remedy: str) -> MusterError:
    title = "The configuration is not valid"
    return MusterError("invalid_configuration", detail, title=title, remedy=remedy, place=place)
