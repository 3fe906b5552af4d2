"""Who knows the address sees the run; nobody else sees anything."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.request
import webbrowser
from contextlib import contextmanager

import pytest
from runs_by_hand import write_run

from normenc.cli import main
from normenc.cli.opening import open_in_browser
from normenc.errors import InputError
from normenc.report import serving

PAGE = "<!doctype html><html><title>p</title><body>mine ü</body></html>\n"
SECRET = "nobody may read this"


@contextmanager
def running(target, **options):
    server = serving.server_of(target, **options)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def run(posix, tmp_path_factory):
    place = tmp_path_factory.mktemp("served")
    folder = write_run(place / "run")
    (folder / "report.html").write_text(PAGE, encoding="utf-8")
    (folder / ".hidden").write_text(SECRET)
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text(SECRET)
    (folder / "figures").mkdir()
    (folder / "figures" / "a b.svg").write_text("<svg/>")
    (folder / "100%25.csv").write_text(SECRET)
    (place / "secret.txt").write_text(SECRET)
    (place / "run-2").mkdir()
    (place / "run-2" / "secret.txt").write_text(SECRET)
    (folder / "out.txt").symlink_to(place / "secret.txt")
    (folder / "away").symlink_to(place)
    (folder / "circle").symlink_to(folder / "circle")
    (folder / "inside.csv").symlink_to(folder / "similarity.csv")
    (folder / "to_hidden.txt").symlink_to(folder / ".hidden")
    os.mkfifo(folder / "pipe.csv")
    return folder


@pytest.fixture(scope="module")
def server(run):
    with running(run) as server:
        yield server


def ask(server, path, method="GET", host=None, hosts=None):
    """Status, headers and body of a request whose path is sent as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=300)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name in hosts if hosts is not None else [host or f"127.0.0.1:{server.server_port}"]:
        connection.putheader("Host", name)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders()), body


def sent(server, raw: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=300) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def test_the_address_shows_the_report(server, run):
    assert server.address == f"http://127.0.0.1:{server.server_port}/{server.token}/"
    assert len(server.token) == 32  # 24 bytes of chance
    status, headers, body = ask(server, f"/{server.token}/")
    assert (status, body.decode()) == (200, PAGE)
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "connect-src" not in headers["Content-Security-Policy"]  # so that default-src holds
    assert "Python" not in headers["Server"]
    assert ask(server, f"/{server.token}/", host=f"localhost:{server.server_port}")[0] == 200
    assert ask(server, f"/{server.token}/?again=1")[2].decode() == PAGE


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("similarity.csv", "text/csv; charset=utf-8"),
        ("inside.csv", "text/csv; charset=utf-8"),
        ("study.toml", "text/plain; charset=utf-8"),
        ("environment.json", "application/json"),
        ("figures/a%20b.svg", "image/svg+xml"),
    ],
)
def test_files_of_the_run_are_served_with_their_types(server, run, name, kind):
    status, headers, body = ask(server, f"/{server.token}/{name}")
    assert (status, headers["Content-Type"]) == (200, kind)
    assert body == (run / name.replace("%20", " ")).read_bytes()
    head = ask(server, f"/{server.token}/{name}", method="HEAD")
    assert (head[0], head[1]["Content-Length"], head[2]) == (200, str(len(body)), b"")


ATTACKS = [
    "/",
    "/report.html",
    "/{token}",
    "/{wrong}/",
    "/{token}x/",
    "/{short}/",
    "/%00/",
    "/{token}/../secret.txt",
    "/{token}/%2e%2e/secret.txt",
    "/{token}/%2E%2E%2Fsecret.txt",
    "/{token}/..%2fsecret.txt",
    "/{token}/%252e%252e/secret.txt",
    "/{token}/..%5csecret.txt",
    "/{token}/..\\secret.txt",
    "/{token}/figures/../../secret.txt",
    "/{token}/figures/../report.html",
    "/{token}/./report.html",
    "/{token}/../run-2/secret.txt",
    "/{token}//etc/passwd",
    "/{token}/%2fetc%2fpasswd",
    "/{token}//report.html",
    "/{token}/report.html/",
    "/{token}/C:/secret.txt",
    "/{token}/.hidden",
    "/{token}/%2ehidden",
    "/{token}/.git/config",
    "/{token}/out.txt",
    "/{token}/to_hidden.txt",
    "/{token}/away/secret.txt",
    "/{token}/circle",
    "/{token}/pipe.csv",
    "/{token}/figures",
    "/{token}/figures/",
    "/{token}/similarity.csv%00.html",
    "/{token}/similarity.csv%0d%0aX: y",
    "/{token}/%ff",
    "/{token}/none.csv",
    "/{token}/" + 300 * "a",
    "http://elsewhere.example/{token}/",
    "/{token}/~root",
]


@pytest.mark.parametrize("path", ATTACKS)
def test_everything_else_is_not_found_and_all_answers_are_the_same(server, path):
    token = server.token
    path = path.format(token=token, wrong=token[::-1], short=token[:-1])
    answer = sent(server, f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{server.server_port}\r\n\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert body in (b"not found\n", b"")
    if b" " not in path.encode():
        assert head.startswith(b"HTTP/1.0 404 ")
        assert body == b"not found\n"
    assert SECRET.encode() not in answer
    assert token.encode() not in answer
    lines = {line.split(b":")[0] for line in head.splitlines()[1:]}
    assert {b"X-Content-Type-Options", b"Content-Security-Policy"} <= lines or not lines


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT", "NONE"])
def test_other_methods_are_not_found(server, method):
    status, _, body = ask(server, f"/{server.token}/", method=method)
    assert (status, body) == (404, b"not found\n")


def test_other_names_of_the_host_are_not_found(server):
    port = server.server_port
    for hosts in (
        ["elsewhere.example"],
        [f"elsewhere.example:{port}"],
        ["127.0.0.1"],
        [f"127.0.0.1:{port + 1}"],
        [f"127.0.0.1:{port}.elsewhere.example"],
        [],
        [f"127.0.0.1:{port}", "elsewhere.example"],
    ):
        assert ask(server, f"/{server.token}/", hosts=hosts)[::2] == (404, b"not found\n")


def test_what_is_no_request_is_survived(server):
    for raw in (
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x00\xff",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + 70000 * b"a",
    ):
        assert SECRET.encode() not in sent(server, raw)
    assert ask(server, f"/{server.token}/")[0] == 200


def test_only_this_computer_is_listened_to(server):
    assert server.socket.getsockname()[0] == "127.0.0.1"
    for address in ("127.0.0.2", "::1"):
        with pytest.raises(OSError):
            socket.create_connection((address, server.server_port), timeout=2).close()


def test_each_server_has_a_token_and_a_port_of_its_own(run):
    with running(run) as one, running(run) as other:
        assert one.token != other.token
        assert one.server_port != other.server_port
        with pytest.raises(InputError, match=rf"port {one.server_port} cannot be used .*in use"):
            serving.server_of(run, port=one.server_port)


def test_a_page_is_served_without_its_folder(run):
    page = run.parent / "comparison.html"
    page.write_text(PAGE, encoding="utf-8")
    with running(page) as server:
        for name in ("", "comparison.html"):
            assert ask(server, f"/{server.token}/{name}")[2].decode() == PAGE
        for name in ("secret.txt", "run/report.html", "report.html", "./comparison.html"):
            assert ask(server, f"/{server.token}/{name}")[0] == 404


@pytest.mark.parametrize("damage", ["absent", "cut", "empty"])
def test_a_damaged_report_is_made_anew(tmp_path, monkeypatch, damage):
    run = write_run(tmp_path / "run")
    if damage != "absent":
        (run / "report.html").write_text(PAGE[:30] if damage == "cut" else "")

    def write(folder):
        (folder / "report.html").write_text(PAGE, encoding="utf-8")
        return folder / "report.html"

    monkeypatch.setattr("normenc.report.page.write", write)
    with running(run) as server:
        assert ask(server, f"/{server.token}/")[2].decode() == PAGE


def test_a_report_that_cannot_be_written_is_shown_from_memory(tmp_path, monkeypatch):
    run = write_run(tmp_path / "run")

    def refused(folder):
        raise PermissionError(13, "denied")

    monkeypatch.setattr("normenc.report.page.write", refused)
    monkeypatch.setattr("normenc.report.page.render", lambda folder: PAGE)
    with running(run) as server:
        for name in ("", "report.html"):
            assert ask(server, f"/{server.token}/{name}")[2].decode() == PAGE
        assert ask(server, f"/{server.token}/similarity.csv")[0] == 200


def test_what_cannot_be_shown_is_said(tmp_path):
    run = write_run(tmp_path / "run")  # with what compare needs; the report needs more
    (tmp_path / "notes.txt").write_text("x")
    outside = write_run(tmp_path / "outside")
    (outside / "report.html").symlink_to(tmp_path / "notes.txt")
    for target, message in (
        (tmp_path / "none", "this file or folder does not exist"),
        (tmp_path / "notes.txt", "this is neither a run nor a page"),
        (tmp_path, "incomplete: study.toml is missing"),
        (run, "incomplete: training.csv is missing"),
        (outside, "a link to a file outside the run"),
    ):
        with pytest.raises(InputError, match=message):
            serving.server_of(target)


def command(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-c", "from normenc.cli import main; main()", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.mark.parametrize("option", ["--serve", "--no-browser"])  # the second is its old name
def test_the_command_serves_a_run_until_it_is_interrupted(posix, run, option):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as shells start background jobs
    try:
        process = command("open", run, option)
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        line = process.stdout.readline()
        address = line.split(": ")[-1].strip()
        assert address.startswith("http://127.0.0.1:")
        # Read here, since communicate() knows nothing of what is buffered.
        assert process.stdout.readline() == "Press Ctrl-C to end.\n"
        with urllib.request.urlopen(address, timeout=300) as answer:
            assert answer.read().decode() == PAGE
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=600)
    finally:
        process.kill()
    assert (process.returncode, err) == (0, "")
    assert out == "normenc: closed\n"


@pytest.mark.parametrize("there", [True, False])
def test_the_browser_is_given_the_page_itself(run, monkeypatch, capsys, there):
    given = []
    monkeypatch.setattr(webbrowser, "open", lambda address: given.append(address) or there)
    monkeypatch.setattr(sys, "argv", ["normenc", "open", str(run)])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert not ended.value.code
    assert given == [(run / "report.html").resolve().as_uri()]
    assert said.out == f"{run / 'report.html'}\n"
    assert ("no browser was found; use --serve" in said.err) is not there


def test_a_page_that_is_on_no_disk_is_shown_from_a_folder_of_the_users_own(posix, monkeypatch, tmp_path):
    monkeypatch.setattr(webbrowser, "open", lambda address: True)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    open_in_browser(PAGE.encode())
    (page,) = tmp_path.rglob("report.html")
    assert page.read_text(encoding="utf-8") == PAGE
    assert page.parent.stat().st_mode & 0o777 == 0o700
