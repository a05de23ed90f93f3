"""A server of one's own on loopback that answers what a test tells it to."""

from __future__ import annotations

import json
import socketserver
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Request:
    """What arrived."""

    def __init__(self, method, path, headers, body, connection):
        self.method, self.path, self.headers, self.body, self.connection = method, path, headers, body, connection

    def json(self):
        return json.loads(self.body)


class Reply:
    """What goes back; `close` drops the connection, `cut` without an answer."""

    def __init__(self, body=b"", status=200, headers=(), close=False, cut=False):
        is_bytes = isinstance(body, bytes)
        self.body = body if is_bytes else json.dumps(body).encode()
        self.status, self.headers, self.close, self.cut = status, dict(headers), close, cut


class Server(ThreadingHTTPServer):
    """Asks no name server for its own name."""

    daemon_threads = True

    def server_bind(self):
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]


@contextmanager
def serving(answer):
    """Serves until the block ends: its URL, and all requests that came."""
    requests = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self):
            length = int(self.headers.get("content-length", 0))
            request = Request(self.command, self.path, self.headers, self.rfile.read(length), id(self.connection))
            requests.append(request)
            reply = answer(request)
            if reply.cut:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)
            self.close_connection = reply.close

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

        def log_message(self, *arguments):
            pass

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
