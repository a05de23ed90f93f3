"""A real runner, a child process, and what a gateway says to it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

from muster_runtime import frames
from muster_runtime.frames import Frame, FrameReader, encode_frame
from muster_runtime.tensors import Tensor, read_tensors

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class RunnerChild:
    """Use it with `with`; `socket` is a greeted connection."""

    def __init__(self, flags: Sequence[str] = ()) -> None:
        self.folder = tempfile.mkdtemp(prefix="muster-py-")
        self.path = os.path.join(self.folder, "s")
        scratch = os.path.join(self.folder, "scratch")
        os.mkdir(scratch)
        self.child = subprocess.Popen(
            [sys.executable, "-I", *flags, os.path.join(PACKAGE, "program.py"), "--listen", "unix:" + self.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=scratch,
            env={"OMP_NUM_THREADS": "1"},
        )
        assert self.child.stdout is not None
        self.said = json.loads(self.child.stdout.readline())

    def __enter__(self) -> RunnerChild:
        return self

    def __exit__(self, *_: object) -> None:
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        for stream in (self.child.stdin, self.child.stdout):
            if stream is not None:
                stream.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def connect(self) -> LinkClient:
        """A greeted connection."""
        client = LinkClient(self.path)
        client.send(frames.HELLO, 0, {"link": frames.LINK_VERSION, "role": "gateway", "software": "test"})
        client.hello = client.receive()
        return client


class LinkClient:
    """Blocking; frames come in the order in which the runner sent them."""

    def __init__(self, path: str) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(path)
        self.reader = FrameReader()
        self.frames: list[Frame] = []
        self.events: list[Any] = []
        self.hello: Frame | None = None
        self.request = 0

    def send(self, kind: int, request: int, header: Any, payload: Sequence[Any] = ()) -> None:
        """Sends a frame."""
        for part in encode_frame(kind, request, header, payload):
            self.sock.sendall(part)

    def receive(self) -> Frame:
        """The next frame that is no event."""
        while True:
            while self.frames:
                frame = self.frames.pop(0)
                if frame.kind != frames.REPLICA_EVENT:
                    return frame
                self.events.append(frame.header)
            target = self.reader.target()
            if target is not None:
                count = self.sock.recv_into(target)
                if count == 0:
                    raise EOFError
                self.reader.took(count, self.frames.append)
                continue
            chunk = self.sock.recv(65536)
            if not chunk:
                raise EOFError
            self.reader.push(memoryview(chunk), self.frames.append)

    def ask(self, kind: int, header: Any, payload: Sequence[Any] = ()) -> Frame:
        """Sends and waits for the answer."""
        self.request += 1
        self.send(kind, self.request, header, payload)
        return self.receive()

    def load(self, replica: str, file: str, proof: dict[str, Any], kind: str) -> Frame:
        """Loads a model as it was proved."""
        python = {"format": kind, "signature": proof["signature"], "isTable": proof["isTable"]}
        return self.ask(frames.LOAD, {"replica": replica, "file": file, "python": python})

    def infer(self, replica: str, inputs: Sequence[Tensor], outputs: Sequence[str] | None = None) -> Any:
        """Outputs by name, or the problem."""
        header: dict[str, Any] = {"replica": replica, "inputs": [tensor.header() for tensor in inputs]}
        if outputs is not None:
            header["outputs"] = list(outputs)
        frame = self.ask(frames.INFER, header, [tensor.data for tensor in inputs])
        if frame.kind == frames.ERROR:
            return frame.header
        return {tensor.name: tensor for tensor in read_tensors(frame.header["outputs"], frame.payload)}


def prove(file: str, kind: str, sample: str | None = None) -> dict[str, Any]:
    """What the proving program prints about a file."""
    command = [sys.executable, "-I", os.path.join(PACKAGE, "prove.py"), "--file", file, "--format", kind]
    if sample is not None:
        command += ["--sample", sample]
    scratch = tempfile.mkdtemp(prefix="muster-py-")
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=scratch,
            env={"OMP_NUM_THREADS": "1"},
            check=True,
        )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return json.loads(done.stdout)
