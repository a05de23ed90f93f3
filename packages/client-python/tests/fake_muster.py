"""The parts of Muster that the package talks to, in memory; its model adds one to each value."""

from __future__ import annotations

import hashlib
import json
import re
import struct
from contextlib import contextmanager

from fake_server import Reply, serving

import muster._installation
from muster._installation import Installation
from muster._target import find_target

TIMES = {"createdAt": "2026-11-25T00:00:00.000Z", "createdBy": "you"}
SIGNATURE = {
    "inputs": [{"name": "input", "datatype": "FP64", "shape": [-1, 2]}],
    "outputs": [
        {"name": "label", "datatype": "INT64", "shape": [-1]},
        {"name": "probabilities", "datatype": "FP64", "shape": [-1, 2]},
    ],
    "features": ["a", "b"],
    "labels": ["no", "yes"],
    "primary": "label",
}


class FakeMuster:
    """State that tests look at and change."""

    def __init__(self):
        self.part_bytes = 1000
        self.uploads, self.parts, self.models, self.versions, self.endpoints = {}, {}, {}, [], {}
        self.refuse_part = None
        self.registration_problem = None
        self.signature = SIGNATURE
        self.max_rows = None
        self.infers = []
        self.deploys = []

    def answer(self, request):
        path, method = request.path.partition("?")[0], request.method
        for pattern, handler in ROUTES:
            found = re.fullmatch(pattern, f"{method} {path}")
            if found:
                return handler(self, request, *found.groups())
        return problem("route_not_found", 404)

    def start_upload(self, request):
        wanted = request.json()
        name = f"u{len(self.uploads) + 1}"
        self.uploads[name] = wanted
        self.parts[name] = {}
        return Reply(self.upload(name), 201)

    def upload(self, name):
        return {
            "id": name,
            "sizeBytes": self.uploads[name]["sizeBytes"],
            "partBytes": self.part_bytes,
            "received": sorted(self.parts[name]),
            "state": "open",
        }

    def get_upload(self, request, name):
        return Reply(self.upload(name)) if name in self.uploads else problem("upload_not_found", 404)

    def put_part(self, request, name, part):
        if self.refuse_part is not None and self.refuse_part(int(part)):
            return problem("disk_full", 500)
        self.parts[name][int(part)] = request.body
        return Reply(self.upload(name))

    def complete(self, request, name):
        whole = b"".join(content for _, content in sorted(self.parts[name].items()))
        if hashlib.sha256(whole).hexdigest() != self.uploads[name]["sha256"]:
            return problem("digest_mismatch", 400)
        return Reply({"digest": self.uploads[name]["sha256"], "sizeBytes": len(whole)})

    def register(self, request, model):
        body = request.json()
        if self.registration_problem is not None:
            return Reply(operation("failed", problem=self.registration_problem), 202)
        self.versions.append(
            {
                **body,
                "number": len(self.versions) + 1,
                "sampleDigest": "0" * 64 if "sample" in body else None,
                "facts": {"adaptations": ["as it was"], "environment": environment(body)},
            }
        )
        self.models[model]["latestVersion"] = len(self.versions)
        return Reply(operation("running", result={"version": self.versions[-1]}), 202)

    def deploy(self, request, name):
        body = request.json()
        self.deploys.append(body)
        deployment = {"id": "d", "state": "ready", "settings": {"batching": {}}, "role": "live", **body}
        self.endpoints[name] = {
            "name": name,
            "team": "default",
            "ready": True,
            "signature": self.signature,
            "deployments": [deployment],
        }
        return Reply(operation("running", result={}), 202)

    def infer(self, request, name):
        end = int(request.headers["inference-header-content-length"])
        header = json.loads(request.body[:end])
        rows = header["inputs"][0]["shape"][0]
        if self.max_rows is not None and rows > self.max_rows:
            error = (
                f"invalid_shape: {rows} rows were sent, this deployment takes at most {self.max_rows} in one request."
            )
            return Reply({"error": error}, 400)
        if header["inputs"][0]["name"] != self.signature["inputs"][0]["name"]:
            return Reply({"error": "unknown_input: it was renamed. Look again."}, 400)
        self.infers.append(header)
        values = struct.unpack(f"<{rows * 2}d", request.body[end:])
        given = {
            "label": ("INT64", [rows], struct.pack(f"<{rows}q", *(int(value) + 1 for value in values[::2]))),
            "probabilities": ("FP64", [rows, 2], struct.pack(f"<{rows * 2}d", *values)),
        }
        names = [output["name"] for output in header.get("outputs", [])] or list(given)
        outputs = [
            {
                "name": name,
                "datatype": given[name][0],
                "shape": given[name][1],
                "parameters": {"binary_data_size": len(given[name][2])},
            }
            for name in names
        ]
        text = json.dumps({"outputs": outputs}).encode()
        return Reply(
            b"".join([text, *(given[name][2] for name in names)]),
            headers={"Inference-Header-Content-Length": str(len(text))},
        )

    def endpoint(self, request, name):
        document = self.endpoints.get(name)
        if document is None:
            return problem("endpoint_not_found", 404)
        return Reply({**document, "signature": self.signature})

    def model(self, request, name):
        return Reply(self.models[name]) if name in self.models else problem("model_not_found", 404)

    def create_model(self, request):
        body = request.json()
        self.models[body["name"]] = {**body, "latestVersion": None}
        return Reply(self.models[body["name"]], 201)

    def version(self, request, model, number):
        return Reply(self.versions[int(number) - 1])


def environment(body):
    python = body.get("python", {})
    return {"python": python.get("version"), "requirements": python.get("requirements", [])}


def operation(state, **more):
    return {"id": "o1", "state": state, "progress": "working", "result": None, "problem": None, **TIMES, **more}


def problem(code, status):
    return Reply({"code": code, "title": code, "status": status, "detail": code, "remedy": "Look."}, status)


def finished(muster, request, name):
    latest = muster.versions[-1] if muster.versions else None
    return Reply(operation("succeeded", result={"version": latest}))


ROUTES = (
    (r"GET /api/v1/whoami", lambda muster, request: Reply({"name": "you", "kind": "person"})),
    (r"POST /api/v1/uploads", FakeMuster.start_upload),
    (r"GET /api/v1/uploads/([^/]+)", FakeMuster.get_upload),
    (r"PUT /api/v1/uploads/([^/]+)/parts/(\d+)", FakeMuster.put_part),
    (r"POST /api/v1/uploads/([^/]+)/complete", FakeMuster.complete),
    (r"GET /api/v1/models/([^/]+)", FakeMuster.model),
    (r"POST /api/v1/models", FakeMuster.create_model),
    (r"POST /api/v1/models/([^/]+)/versions", FakeMuster.register),
    (r"GET /api/v1/models/([^/]+)/versions/(\d+)", FakeMuster.version),
    (r"GET /api/v1/operations/([^/]+)", finished),
    (r"GET /api/v1/endpoints/([^/]+)", FakeMuster.endpoint),
    (r"POST /api/v1/endpoints/([^/]+)/deployments", FakeMuster.deploy),
    (r"POST /v2/models/([^/]+)/infer", FakeMuster.infer),
    (r"GET /predict/([^/]+)", lambda muster, request, name: Reply({"example": {"rows": [{"it's": 1}]}})),
)


@contextmanager
def fake_muster(monkeypatch, folder):
    """One that `muster.deploy` and its kin talk to until the block ends, and the requests that came."""
    state = FakeMuster()
    with serving(state.answer) as (url, requests):
        for name in ("MUSTER_SERVER", "MUSTER_URL", "MUSTER_TOKEN", "MUSTER_CONFIG_DIR"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
        installation = Installation(find_target(url, "secret"))
        monkeypatch.setattr(muster._installation, "_current", installation)
        yield state, requests
        installation.http.close()
