"""Downloads from a real server on this machine, which may break off, lie or refuse."""

import dataclasses
import hashlib
import io
import json
import socket
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from archive_server import BREAK, served

from normenc.errors import InputError
from normenc.recordings import Collection, Recording, RemoteFile, cache_folder, catalogue, fetch, load
from normenc.recordings.public import kept, registry, transfer
from normenc.recordings.public.asking import SourceError
from normenc.recordings.public.fetching import download, planned
from normenc.recordings.public.kept import alone, lock_file

PATH = "/data/recording.npz"
NAME = "W3D4_stringer_oribinned1.npz"


def a_recording(seed: int = 0) -> bytes:
    buffer = io.BytesIO()
    rng = np.random.default_rng(seed)
    np.savez(buffer, resp=rng.normal(size=(360, 100)).astype(np.float32), stimuli=np.arange(360.0))
    return buffer.getvalue()


CONTENT, OTHER = a_recording(), a_recording(1)
MD5 = f"md5:{hashlib.md5(CONTENT).hexdigest()}"


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with served() as archive:
        archive.files[PATH] = CONTENT
        yield archive


@pytest.fixture
def known(server, monkeypatch):
    """Make the course's recording one of this server; gives the function that says with which checksum and size."""

    def make(checksum=MD5, size=None, place=None, **facts):
        file = RemoteFile(NAME, place or server.address + PATH, size, checksum)
        own = dataclasses.replace(catalogue()["stringer2021"], files=lambda session: (file,), as_file=(None,), **facts)
        monkeypatch.setitem(registry._own(), "stringer2021", own)

    make()
    return make


def folder():
    return cache_folder() / "recordings" / "stringer2021"


def there():
    return sorted(path.name for path in folder().iterdir()) if folder().is_dir() else []


def refused(message, **options):
    with pytest.raises(InputError, match=message) as caught:
        fetch("stringer2021", progress=False, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_right_file_is_kept_and_loads(server, known):
    with pytest.raises(InputError, match=r"not downloaded yet; .* run 'normenc recordings fetch stringer2021'"):
        load("stringer2021")
    path = fetch("stringer2021", progress=False)
    assert path.read_bytes() == CONTENT
    assert there() == [NAME]
    recording = load("stringer2021")
    assert (recording.name, recording.n_stimuli, recording.n_neurons) == ("stringer2021", 181, 100)
    assert (recording.species, recording.area, recording.simulated) == ("mouse", "V1", False)
    assert "Stringer" in recording.citation
    # The study's bins come first, as of any file of this format, so options of a file apply.
    assert load("stringer2021", bin_width=12).n_stimuli == 15
    fetch("stringer2021", progress=False)
    assert len(server.requests) == 1
    entry = json.loads(lock_file().read_text())["files"][f"stringer2021/{NAME}"]
    assert (entry["sha256"], entry["bytes"]) == (hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))


FAULTS = {
    "short": "removed: it is truncated or altered",
    "altered": "removed: it is truncated or altered",
    "page": "a web page instead of the file",
    "page as data": "a web page instead of the file",
    404: "no longer there .404.",
    410: "no longer there .410.",
    403: "refuses to give the file .403.",
    429: "busy or broken .429.",
    503: "busy or broken .503.",
    418: "the server answered 418",
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("checksum", [MD5, None])
def test_a_bad_file_or_answer_leaves_nothing(server, known, fault, checksum):
    # Without a checksum, the size tells of a file that is cut; nothing can tell of one that was altered.
    known(checksum, None if checksum else len(CONTENT))
    if fault == "altered" and checksum is None:
        return
    server.faults[PATH] = fault
    said = FAULTS[fault] if checksum or fault != "short" else "the server offers 5,000 bytes, but the file has"
    advice = refused(said)
    assert server.address + PATH in advice
    assert f"save it as {folder() / NAME}" in advice
    assert there() == []
    server.faults.clear()
    assert fetch("stringer2021", progress=False).read_bytes() == CONTENT


@pytest.mark.parametrize("then", [None, "without ranges"])
@pytest.mark.parametrize("checksum", [MD5, None])
def test_a_broken_download_continues(server, known, checksum, then):
    known(checksum)
    server.faults[PATH] = "hanging up"
    for _ in range(2):
        refused(r"connection broke after [\d,]+ bytes; call again to continue")
    with pytest.raises(InputError, match="not downloaded yet"):
        load("stringer2021")
    server.faults[PATH] = then
    assert fetch("stringer2021", progress=False).read_bytes() == CONTENT
    assert there() == [NAME]
    ranges = server.ranges(PATH)
    assert ranges[0] is None
    starts = [int(own.removeprefix("bytes=").removesuffix("-")) for own in ranges[1:]]
    assert 0 < starts[0] < starts[1] < len(CONTENT)


def test_two_versions_never_mix(server, known):
    known(None)
    server.faults[PATH] = "hanging up"
    refused("connection broke")
    server.faults.clear()
    server.files[PATH] = OTHER
    assert fetch("stringer2021", progress=False).read_bytes() == OTHER
    assert server.requests[-1][1] is not None  # it was asked for the rest, of the same version only


def test_what_cannot_be_told_to_be_the_same_begins_again(server, known):
    known(None)
    server.faults[PATH] = "without version"  # which breaks off, too
    refused("connection broke")
    server.faults.clear()
    assert fetch("stringer2021", progress=False).read_bytes() == CONTENT
    assert server.ranges(PATH) == [None, None]


def test_a_server_that_sends_another_part_than_was_asked_for(server, known):
    server.faults[PATH] = "hanging up"
    refused("connection broke")
    server.faults[PATH] = "wrong range"
    assert fetch("stringer2021", progress=False).read_bytes() == CONTENT
    assert server.ranges(PATH)[-1] is None


@pytest.mark.parametrize("rubbish", [b"rubbish", b"rubbish" * len(CONTENT)])
@pytest.mark.parametrize("checksum", [MD5, None])
def test_what_continues_wrongly_is_removed(server, known, checksum, rubbish):
    # The second is longer than the file: the server has nothing left to send (416), and the file is asked for anew.
    known(checksum)
    folder().mkdir(parents=True)
    (folder() / f"{NAME}.part").write_bytes(rubbish)
    if checksum and rubbish == b"rubbish":
        refused("truncated or altered")
        assert there() == []
    assert fetch("stringer2021", progress=False).read_bytes() == CONTENT
    assert there() == [NAME]


def test_a_part_that_is_whole_needs_nothing_more(server, known):
    folder().mkdir(parents=True)
    (folder() / f"{NAME}.part").write_bytes(CONTENT)
    assert fetch("stringer2021", progress=False).read_bytes() == CONTENT
    assert server.ranges(PATH) == [f"bytes={len(CONTENT)}-"]


def test_a_redirect_is_followed(server, known):
    known(place=f"{server.address}/files/1")
    server.redirects["/files/1"] = f"{server.address}{PATH}?signature=x"
    assert fetch("stringer2021", progress=False).read_bytes() == CONTENT


def test_a_redirect_to_what_is_not_secure_is_refused():
    answer = SimpleNamespace(status_code=200, url="http://example.org/a", headers={})
    with pytest.raises(SourceError, match="not secure"):
        transfer._check_answer(answer, transfer.Located("https://example.org/a"))


def test_a_server_that_falls_silent(server, known):
    server.faults[PATH] = "stalling"
    refused(r"sent nothing for 0.5 s|connection broke", timeout=0.5)


@pytest.mark.parametrize("is_damaged", [True, False])
def test_a_file_that_changed_at_its_source_is_not_kept(server, known, is_damaged):
    known(None)
    path = fetch("stringer2021", progress=False)
    if is_damaged:
        path.write_bytes(CONTENT[:-1])
        with pytest.raises(InputError, match="it differs from the file that was here first"):
            load("stringer2021")
    else:
        path.unlink()
    server.files[PATH] = OTHER
    said = refused("removed: it differs from the file that was here first")
    assert hashlib.sha256(CONTENT).hexdigest() in said
    assert str(lock_file()) in said
    assert there() == [NAME] * is_damaged
    content = json.loads(lock_file().read_text())
    del content["files"][f"stringer2021/{NAME}"]
    lock_file().write_text(json.dumps(content))
    path.unlink(missing_ok=True)
    assert fetch("stringer2021", progress=False).read_bytes() == OTHER


def test_a_damaged_file_in_the_cache_is_named_and_replaced(server, known):
    path = fetch("stringer2021", progress=False)
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(InputError, match=r"its MD5 is not .*download it again with"):
        load("stringer2021")
    fetch("stringer2021", progress=False)
    assert load("stringer2021").n_neurons == 100


def test_a_file_that_was_put_there_by_hand(server, known):
    known(None)
    folder().mkdir(parents=True)
    (folder() / NAME).write_bytes(CONTENT)
    assert load("stringer2021").n_neurons == 100
    assert fetch("stringer2021", progress=False) == folder() / NAME
    assert server.requests == []
    (folder() / NAME).write_bytes(OTHER)
    with pytest.raises(InputError, match="it differs from the file that was here first"):
        load("stringer2021")


def test_a_file_of_an_earlier_version_is_found(server, known):
    cache_folder().mkdir(parents=True)
    (cache_folder() / NAME).write_bytes(CONTENT)
    assert fetch("stringer2021", progress=False).read_bytes() == CONTENT
    assert (server.requests, (cache_folder() / NAME).exists()) == ([], False)


def test_no_server_at_all(known):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        known(place=f"http://127.0.0.1:{unused.getsockname()[1]}/x")
    refused("no connection")


@pytest.mark.parametrize("link", [False, True], ids=["a file", "a link to nothing"])
def test_a_cache_that_cannot_be_written_is_told_before_an_archive_is_asked(server, known, link):
    if link:
        cache_folder().symlink_to("nothing")
    else:
        cache_folder().write_text("a file where the folder should be")
    refused("the cache cannot be written.*NORMENC_CACHE")
    assert server.requests == []


def test_a_disk_without_room(known, monkeypatch):
    monkeypatch.setattr(transfer.shutil, "disk_usage", lambda folder: SimpleNamespace(free=10))
    refused(r"the disk has 0.0 GiB left, .* set NORMENC_CACHE")
    assert there() == []


def test_a_file_that_another_process_downloaded_meanwhile(server, known):
    plan = planned("stringer2021")
    fetch("stringer2021", progress=False)
    assert download(plan, progress=False).read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_two_processes_do_not_download_the_same_file(known):
    with alone(folder() / NAME):
        refused("another process is downloading this file")
    fetch("stringer2021", progress=False)


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "cannot be read"), ("[]", "no list of digests"), ('{"files": {"a": {}}}', "has no SHA-256")],
)
def test_a_damaged_lock_file_is_named(known, content, message):
    lock_file().parent.mkdir(parents=True)
    lock_file().write_text(content)
    assert str(lock_file()) in refused(message)
    assert there() == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "there is no recording 'nothing'; the names are simulated-v1, "),
        ("stringer2012", "the closest names? .*stringer2021"),
        ("simulated-v1", "is simulated and needs no download"),
        ("stringer2021?from=/tmp/x.npz", "a file on this machine, and needs no download"),
    ],
)
def test_what_cannot_be_fetched_is_named(name, message):
    with pytest.raises(InputError, match=message):
        fetch(name)


def test_a_restricted_licence_is_accepted_once(server, known):
    known(restricted=True, licence="CC BY-NC-ND 4.0")
    said = refused("its licence is CC BY-NC-ND 4.0; accept it with accept=True. Cite: Stringer")
    assert (there(), server.requests, "Cell 184" in said) == ([], [], True)
    path = fetch("stringer2021", accept=True, progress=False)
    path.unlink()
    assert fetch("stringer2021", progress=False) == path
    path.unlink()
    known(restricted=True, licence="another licence")
    refused("its licence is another licence")


def test_a_lock_file_that_cannot_be_written(known, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept, "write_whole", full)
    refused(r"lock.json: this file cannot be written \(No space left on device\); set NORMENC_CACHE", accept=True)
    refused("lock.json: this file cannot be written")
    assert [name for name in there() if not name.endswith((".part", ".part.json"))] == []
    # A file that is there can be read nevertheless: a cache may be shared by people who may not write there.
    (folder() / NAME).write_bytes(CONTENT)
    assert load("stringer2021").n_neurons == 100
    assert fetch("stringer2021", progress=False) == folder() / NAME


def test_what_is_downloaded_is_shown_first(server, known, capsys):
    fetch("stringer2021")
    said = capsys.readouterr().err
    for part in ("stringer2021: ", "licence: as stated at the source", "cite: Stringer", "https://osf.io/683xc"):
        assert part in said
    fetch("stringer2021")
    assert capsys.readouterr().err == ""


@pytest.fixture
def terminal(monkeypatch):
    """A person at a terminal who answers as told; gives the list of questions that were asked."""

    def answers(text):
        stdin = io.StringIO(text)
        stdin.isatty = lambda: True
        monkeypatch.setattr(sys, "stdin", stdin)
        return stdin

    return answers


@pytest.mark.parametrize("restricted", [True, False])
def test_the_command_asks_once(normenc, server, known, terminal, restricted):
    known(restricted=restricted, size=len(CONTENT))
    terminal("n\n")
    code, _, err = normenc("recordings", "fetch", "stringer2021")
    assert code != 0
    assert "Use it under this licence?" in err
    assert [line for line in err.splitlines() if line.startswith("licence: as stated")]
    assert (server.requests, there()) == ([], [])
    terminal("y\n")
    code, out, _ = normenc("recordings", "fetch", "stringer2021")
    assert (code, out.strip()) == (0, f"stringer2021: {folder() / NAME}")
    (folder() / NAME).unlink()
    terminal("")  # nobody answers
    code, _, err = normenc("recordings", "fetch", "stringer2021")
    assert (code, "Use it under this licence?" in err, there()) == (0, False, [NAME])


@pytest.mark.parametrize(("restricted", "flags", "code"), [(True, [], 2), (True, ["--yes"], 0), (False, [], 0)])
def test_without_a_terminal_a_restricted_licence_needs_yes(normenc, server, known, restricted, flags, code):
    known(restricted=restricted)
    done, _, err = normenc("recordings", "fetch", "stringer2021", *flags)
    assert (done, there()) == (code, [NAME] * (code == 0))
    assert "cite: Stringer" in err
    if code:
        assert "accept it with --yes" in err


def test_several_files_of_which_options_need_some(server, monkeypatch):
    files = (
        RemoteFile("responses.npy", f"{server.address}/r.npy"),
        RemoteFile("images/0.bin", f"{server.address}/0.bin", when=(("images", "yes"),)),
    )
    server.files |= {"/r.npy": b"12345", "/0.bin": b"6789"}

    def read(paths, session, options):
        assert options["images"] == ("yes" if len(paths) == 2 else "no")
        return Recording.from_responses("toy", [[1.0, 2.0], [float(len(paths)), 1.0]], [0, 90])

    facts = {"species": "mouse", "area": "V1", "units": "Hz", "citation": "c", "licence": "l", "source": "s"}
    known = Collection(
        "toy",
        "toy",
        files=lambda session: files,
        read=read,
        options={"images": registry_option("no"), "window": registry_option("1")},
        **facts,
    )
    monkeypatch.setitem(registry._registered, "toy", known)
    assert fetch("toy", progress=False).name == "responses.npy"
    assert [path for path, _, _ in server.requests] == ["/r.npy"]
    assert load("toy").responses.values[1, 0] == 1
    with pytest.raises(InputError, match=r"first call normenc.recordings.fetch\('toy\?images=yes'\)"):
        load("toy?images=yes&window=2")
    assert fetch("toy?images=yes&window=2", progress=False) == cache_folder() / "recordings/toy"
    recording = load("toy?images=yes&window=2")
    assert (recording.responses.values[1, 0], recording.name) == (2, "toy?images=yes&window=2")
    assert [path for path, _, _ in server.requests] == ["/r.npy", "/0.bin"]


def registry_option(default):
    from normenc.recordings import Option

    return Option(default, "a meaning")


def test_the_connection_breaks_after_less_than_the_file():
    assert len(CONTENT) > BREAK
