"""Downloads from a real server on this machine, which may break off, lie or refuse."""

import dataclasses
import hashlib
import io
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from normenc.errors import InputError
from normenc.recordings import SOURCES, fetch, load


def a_recording() -> bytes:
    buffer = io.BytesIO()
    rng = np.random.default_rng(0)
    np.savez(buffer, resp=rng.normal(size=(360, 100)).astype(np.float32), stimuli=np.arange(360.0))
    return buffer.getvalue()


CONTENT = a_recording()


class Handler(BaseHTTPRequestHandler):
    """Serves CONTENT in the manner that the server is told."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        manner, requests = self.server.manner, self.server.requests
        requests.append(self.headers.get("Range"))
        if manner == "missing":
            self.send_error(404)
            return
        if manner == "failing":
            self.send_error(503)
            return
        body = {"truncated": CONTENT[:5000], "altered": CONTENT[:-10] + b"0123456789"}.get(manner, CONTENT)
        start = 0
        if self.headers.get("Range") and manner != "without ranges":
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            if start >= len(body):
                self.send_error(416)
                return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        if manner in ("hanging up", "stalling"):
            self.wfile.write(body[start : start + 60_000])
            self.wfile.flush()
            if manner == "stalling":
                self.server.release.wait(20)
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.wfile.write(body[start:])

    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.manner, server.requests, server.release = "right", [], threading.Event()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/recording.npz"
    md5 = hashlib.md5(CONTENT).hexdigest()
    monkeypatch.setitem(SOURCES, "stringer2021", dataclasses.replace(SOURCES["stringer2021"], url=url, md5=md5))
    monkeypatch.setenv("NORMENC_CACHE", str(tmp_path / "cache"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    yield server
    server.release.set()
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_source_is_the_published_one():
    source = SOURCES["stringer2021"]
    assert source.url == "https://osf.io/683xc/download"
    assert source.md5 == "436599dfd8ebe6019f066c38aed20580"


def test_a_right_file_is_kept_and_loads(server):
    with pytest.raises(InputError, match=r"not downloaded yet; .* run 'normenc recordings fetch stringer2021'"):
        load("stringer2021")
    path = fetch("stringer2021", progress=False)
    assert path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    recording = load("stringer2021")
    assert (recording.n_stimuli, recording.n_neurons) == (181, 100)
    assert (recording.species, recording.area, recording.simulated) == ("mouse", "V1", False)
    assert "Stringer" in recording.citation
    fetch("stringer2021", progress=False)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("manner", "message"),
    [
        ("truncated", "truncated or altered"),
        ("altered", "truncated or altered"),
        ("missing", "404"),
        ("failing", "503"),
    ],
)
def test_a_bad_file_or_answer_leaves_nothing(server, tmp_path, manner, message):
    server.manner = manner
    with pytest.raises(InputError, match=message) as caught:
        fetch("stringer2021", progress=False)
    advice = str(caught.value)
    assert "\n" not in advice
    assert SOURCES["stringer2021"].url in advice
    assert str(tmp_path / "cache" / SOURCES["stringer2021"].filename) in advice
    assert list((tmp_path / "cache").iterdir()) == []
    server.manner = "right"
    assert fetch("stringer2021", progress=False).read_bytes() == CONTENT


@pytest.mark.parametrize("then", ["right", "without ranges"])
def test_a_broken_download_continues(server, then):
    server.manner = "hanging up"
    for _ in range(2):
        with pytest.raises(InputError, match=r"connection broke after [\d,]+ bytes; call again to continue"):
            fetch("stringer2021", progress=False)
    with pytest.raises(InputError, match="not downloaded yet"):
        load("stringer2021")
    server.manner = then
    path = fetch("stringer2021", progress=False)
    assert path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert server.requests[0] is None
    starts = [int(header.removeprefix("bytes=").removesuffix("-")) for header in server.requests[1:]]
    assert 0 < starts[0] < starts[1] < len(CONTENT)


def test_a_server_that_falls_silent(server):
    server.manner = "stalling"
    with pytest.raises(InputError, match=r"sent nothing for 0.5 s|connection broke"):
        fetch("stringer2021", progress=False, timeout=0.5)


def test_what_continues_wrongly_is_removed(server, tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    partial = cache / (SOURCES["stringer2021"].filename + ".part")
    for rubbish in (
        b"rubbish",
        b"rubbish" * len(CONTENT),
    ):  # the second is longer than the file: nothing is left to send
        partial.write_bytes(rubbish)
        with pytest.raises(InputError, match="truncated or altered"):
            fetch("stringer2021", progress=False)
        assert list(cache.iterdir()) == []
    fetch("stringer2021", progress=False)


def test_a_damaged_file_in_the_cache_is_named_and_replaced(server):
    path = fetch("stringer2021", progress=False)
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(InputError, match="MD5 is not"):
        load("stringer2021")
    fetch("stringer2021", progress=False)
    assert load("stringer2021").n_neurons == 100


def test_no_server_at_all(server, monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/x"
    monkeypatch.setitem(SOURCES, "stringer2021", dataclasses.replace(SOURCES["stringer2021"], url=url))
    with pytest.raises(InputError, match="no connection"):
        fetch("stringer2021", progress=False)


def test_a_cache_that_cannot_be_written(server, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(InputError, match="the cache cannot be written"):
        fetch("stringer2021", progress=False)


@pytest.mark.parametrize(
    ("name", "message"), [("nothing", "unknown"), ("simulated-v1", "is simulated and needs no download")]
)
def test_what_cannot_be_fetched_is_named(name, message):
    with pytest.raises(InputError, match=message):
        fetch(name)
