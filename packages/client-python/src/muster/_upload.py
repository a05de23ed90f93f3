"""Sends a file in parts, several at a time; an upload that was interrupted goes on where it stopped."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ._http import error_of
from ._installation import Installation, Json, segment
from ._pickled import HandedFile
from ._progress import Progress, size_text
from ._target import state_folder

_PARALLEL = 3
_PART_TIMEOUT_S = 600.0
_COMPLETE_TIMEOUT_S = 3600.0
_MOST_REMEMBERED = 50


def upload(installation: Installation, file: HandedFile, progress: Progress) -> None:
    """The content is in the store when this returns. Content that is there already is not sent again."""
    remembered = _Remembered(installation.server, file.sha256)
    document = _resumed(installation, remembered.find())
    if document is None:
        document = installation.call("POST", "/api/v1/uploads", {"sizeBytes": file.size_bytes, "sha256": file.sha256})
        remembered.keep(document["id"])
    if document["state"] == "open":
        _send_missing(installation, file, document, progress)
    installation.call("POST", f"/api/v1/uploads/{segment(document['id'])}/complete", timeout_s=_COMPLETE_TIMEOUT_S)
    remembered.keep(None)
    progress.done(f"uploaded {size_text(file.size_bytes)}")


def _resumed(installation: Installation, upload_id: str | None) -> Json | None:
    return None if upload_id is None else installation.find(f"/api/v1/uploads/{segment(upload_id)}")


def _send_missing(installation: Installation, file: HandedFile, document: Json, progress: Progress) -> None:
    part_bytes = int(document["partBytes"])
    count = -(-file.size_bytes // part_bytes)
    received = set(document["received"])
    missing = [part for part in range(1, count + 1) if part not in received]
    state = {"sent": sum(min(part_bytes, file.size_bytes - (part - 1) * part_bytes) for part in received)}
    lock = threading.Lock()
    stop = threading.Event()

    def send(part: int) -> None:
        if stop.is_set():
            return
        with open(file.path, "rb") as content:
            content.seek((part - 1) * part_bytes)
            data = content.read(part_bytes)
        answer = installation.http.request(
            "PUT",
            f"/api/v1/uploads/{segment(document['id'])}/parts/{part}",
            body=data,
            headers={"Content-Type": "application/octet-stream"},
            timeout_s=_PART_TIMEOUT_S,
            retry_s=30.0,
        )
        if answer.status >= 400:
            stop.set()
            raise error_of(answer)
        with lock:
            state["sent"] += len(data)

    with ThreadPoolExecutor(max_workers=_PARALLEL, thread_name_prefix="muster-upload") as pool:
        futures = [pool.submit(send, part) for part in missing]
        try:
            # Shown from here: displays of notebooks belong to the thread of the cell.
            while not all(future.done() for future in futures):
                progress.update(f"uploading {size_text(state['sent'])} of {size_text(file.size_bytes)}")
                time.sleep(0.01 if file.size_bytes < 1 << 20 else 0.1)
            for future in futures:
                future.result()
        except BaseException:
            stop.set()
            for future in futures:
                future.cancel()
            raise


class _Remembered:
    """Where an upload of this content stands, in the file that the command line uses, too."""

    def __init__(self, server: str, sha256: str) -> None:
        self._path = state_folder(os.environ) / "uploads.json"
        self._server = server
        self._sha256 = sha256

    def find(self) -> str | None:
        return next((item["upload"] for item in self._read() if self._is_ours(item)), None)

    def keep(self, upload_id: str | None) -> None:
        """Replaces what is known; None forgets it. What cannot be kept only costs comfort."""
        items = [item for item in self._read() if not self._is_ours(item)]
        if upload_id is not None:
            items.insert(0, {"server": self._server, "sha256": self._sha256, "upload": upload_id})
        temporary = Path(f"{self._path}.{os.getpid()}")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary.write_text(json.dumps(items[:_MOST_REMEMBERED]), encoding="utf-8")
            temporary.replace(self._path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()

    def _is_ours(self, item: dict[str, Any]) -> bool:
        return bool(item["server"] == self._server and item["sha256"] == self._sha256)

    def _read(self) -> list[dict[str, Any]]:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        keys = ("server", "sha256", "upload")
        listed = content if isinstance(content, list) else []
        return [
            item for item in listed if isinstance(item, dict) and all(isinstance(item.get(key), str) for key in keys)
        ]
