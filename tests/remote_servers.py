"""Servers on 127.0.0.1 that misbehave as they are told to, and a real nginx."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest


@dataclass
class Request:
    """What a client asked for."""

    path: str
    headers: dict[str, str]
    number: int

    @property
    def range(self) -> str | None:
        return self.headers.get("range")


@dataclass
class Reply:
    """What the server sends. cut: hang up after so many bytes of the body. drip: seconds between single bytes."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = -1  # -1: that of the body; None: not stated
    cut: int | None = None
    chunked: bool = False
    endless: bool = False
    drip: float = 0.0
    wait: threading.Event | None = None  # set by the test, before the rest behind `cut` goes out


def file_reply(request: Request, data: bytes, etag: str | None = None, ranges: bool = True, **extra: Any) -> Reply:
    """Answer as a server of static files does (RFC 9110, 14): Range and If-Range."""
    tag = f'"{hashlib.sha256(data).hexdigest()[:16]}"' if etag is None else etag
    headers = {"ETag": tag} if tag else {}
    asked = request.range
    if not ranges or asked is None or request.headers.get("if-range", tag) != tag:
        return Reply(200, data, headers, **extra)
    first, _, last = asked.removeprefix("bytes=").partition("-")
    begin = int(first) if first else max(0, len(data) - int(last))
    end = min(len(data), int(last) + 1) if first and last else len(data)
    if begin >= end:
        return Reply(416, b"", headers | {"Content-Range": f"bytes */{len(data)}"})
    return Reply(206, data[begin:end], headers | {"Content-Range": f"bytes {begin}-{end - 1}/{len(data)}"}, **extra)


class Server:
    """An HTTP server whose every answer is what `answer` returns. `requests` has what was asked."""

    def __init__(self, answer: Callable[[Request], Reply]) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(handler) -> None:
                headers = {name.lower(): value for name, value in handler.headers.items()}
                with lock:
                    request = Request(handler.path, headers, len(self.requests))
                    self.requests.append(request)
                with contextlib.suppress(OSError):
                    send(handler, self.answer(request))
                handler.close_connection = True

            def log_message(self, *arguments: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.port = self._http.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def use_tls(self, context: Any) -> None:
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self.url = f"https://localhost:{self.port}"

    @property
    def ranges(self) -> list[str | None]:
        return [request.range for request in self.requests]

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class RawServer:
    """A server that answers every request with the same bytes, and hangs up."""

    def __init__(self) -> None:
        self.reply = b""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection, contextlib.suppress(OSError):
                if not connection.recv(65_536):
                    return  # close
                connection.sendall(self.reply)

    def close(self) -> None:
        socket.create_connection(self._listener.getsockname()).close()
        self._thread.join()
        self._listener.close()


def send(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
    handler.send_response(reply.status)
    for name, value in reply.headers.items():
        handler.send_header(name, value)
    if reply.chunked:
        handler.send_header("Transfer-Encoding", "chunked")
    elif reply.length is not None:
        handler.send_header("Content-Length", str(len(reply.body) if reply.length == -1 else reply.length))
    handler.end_headers()
    write = handler.wfile.write
    if reply.chunked:
        while True:
            write(b"%x\r\n%s\r\n" % (len(reply.body), reply.body))
            if not reply.endless:
                break
        if reply.cut is None:
            write(b"0\r\n\r\n")
        return
    for at in range(len(reply.body)) if reply.drip else ():
        write(reply.body[at : at + 1])
        handler.wfile.flush()
        time.sleep(reply.drip)
    if not reply.drip:
        write(reply.body if reply.cut is None else reply.body[: reply.cut])
    if reply.wait is not None:
        handler.wfile.flush()
        reply.wait.wait(30)
        write(reply.body[reply.cut or 0 :])


@contextlib.contextmanager
def nginx(folder: Path) -> Iterator[str]:
    """Serve `folder`/www with nginx at the URL that is yielded. /norange has no ranges, /moved redirects."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("needs nginx")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "nginx").mkdir()
    config = folder / "nginx" / "nginx.conf"
    places = "".join(f"{kind}_temp_path {folder}/nginx/{kind};" for kind in
                     ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))  # fmt: skip
    config.write_text(
        f"daemon off; master_process off; pid {folder}/nginx/pid; error_log {folder}/nginx/error.log;"
        f"events {{}} http {{ access_log {folder}/nginx/access.log; {places}"
        f"server {{ listen 127.0.0.1:{port}; root {folder}/www;"
        " location /norange/ { alias " + f"{folder}/www/" + "; max_ranges 0; }"
        " location /moved/ { rewrite ^/moved/(.*)$ /$1 redirect; }"
        " location /slow/ { alias " + f"{folder}/www/" + "; limit_rate 200k; } } }"
    )
    child = subprocess.Popen([program, "-c", str(config), "-p", str(folder / "nginx")], stderr=subprocess.DEVNULL)
    try:
        for _ in range(500):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            assert child.poll() is None, (folder / "nginx/error.log").read_text()
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        child.terminate()
        child.wait()
