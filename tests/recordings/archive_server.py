"""A server on this machine that answers as archives do, with the faults that they have."""

import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

PAGE = b"<!DOCTYPE html>\n<html><head><title>Log in</title></head><body>Please log in.</body></html>"
BREAK = 60_000  # bytes after which a broken connection ends


class Archive(ThreadingHTTPServer):
    """What is served: files (bytes) and answers (JSON, or a function of the query) by path; faults by path.

    A fault is a status (404), or one of "hanging up", "stalling", "page", "page as data", "short", "altered",
    "without ranges", "without version", "wrong range".
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.answers, self.redirects, self.faults = {}, {}, {}, {}
        self.requests = []  # (path, Range, If-Range)
        self.release = threading.Event()

    def handle_error(self, request, client_address):
        """Say nothing where a client went away."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def ranges(self, path):
        return [own for asked, own, _ in self.requests if asked == path]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        archive = self.server
        parts = urlsplit(self.path)
        path, query = unquote(parts.path), dict(parse_qsl(parts.query))
        archive.requests.append((path, self.headers.get("Range"), self.headers.get("If-Range")))
        fault = archive.faults.get(path)
        if isinstance(fault, int):
            self.answer(fault, b'{"detail": "Not found."}', "application/json")
        elif fault == "page":
            self.answer(200, PAGE, "text/html; charset=utf-8")
        elif path in archive.redirects:
            self.answer(302, b"", "text/plain", Location=archive.redirects[path])
        elif path in archive.answers:
            own = archive.answers[path]
            self.answer(200, json.dumps(own(query) if callable(own) else own).encode(), "application/json")
        elif path in archive.files:
            self.send_file(archive.files[path], fault)
        else:
            self.answer(404, b'{"detail": "Not found."}', "application/json")

    def answer(self, status, body, kind, **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_file(self, content, fault):
        whole = {"page as data": PAGE, "short": content[:5000], "altered": content[:-10] + b"0123456789"}
        content = whole.get(fault, content)
        version = f'"{hashlib.md5(content).hexdigest()}"'
        start, status, last = 0, 200, len(content) - 1
        asked = self.headers.get("Range")
        is_same = self.headers.get("If-Range") in (None, version)
        if asked and is_same and fault != "without ranges":
            first, _, end = asked.removeprefix("bytes=").partition("-")
            start, status = int(first), 206
            last = min(int(end), last) if end else last
            if start >= len(content):
                self.answer(416, b"", "text/plain", Content_Range=f"bytes */{len(content)}")
                return
        self.send_response(status)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(last + 1 - start))
        self.send_header("Accept-Ranges", "bytes")
        if fault != "without version":
            self.send_header("ETag", version)
        if status == 206:
            shift = 7 if fault == "wrong range" else 0
            self.send_header("Content-Range", f"bytes {start + shift}-{last}/{len(content)}")
        self.end_headers()
        if self.command == "HEAD":
            return
        if fault in ("hanging up", "stalling", "without version"):
            self.wfile.write(content[start : min(start + BREAK, last + 1)])
            self.wfile.flush()
            if fault == "stalling":
                self.server.release.wait(20)
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.wfile.write(content[start : last + 1])

    def log_message(self, *args):
        pass


@contextmanager
def served() -> Iterator[Archive]:
    archive = Archive()
    thread = threading.Thread(target=archive.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield archive
    finally:
        archive.release.set()
        archive.shutdown()
        archive.server_close()
        thread.join()
