"""Bad input: every broken file gives one line that says what was found, what is needed and how to mend it.

The modules ``broken_...`` beside this one hold tables of one file a row: its name, what writes it, what the message
must tell, and options of ``load``.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import tracemalloc
from pathlib import Path

import pytest
from broken_arrays import CONTENTS, FOLDERS, LYING, NUMPY, SHOWN
from broken_stores import HDF, MATLAB, NETCDF, ZARR
from broken_tables import NWB, TABLES
from whole_files import MARK, npy, npz, pictures, zarr2

from normenc import cli
from normenc.cli.advice import as_options
from normenc.errors import InputError
from normenc.recordings import load

LIMIT = 96 * 2**20  # bytes that reading a broken file may take
BROKEN = [*LYING, *NUMPY, *CONTENTS, *SHOWN, *FOLDERS, *MATLAB, *HDF, *NETCDF, *ZARR, *TABLES, *NWB]
BY_NAME = {broken.name: broken for broken in BROKEN}
HEAVY = [name for name in BY_NAME if "bomb" in name or "unwritten" in name or "too large" in name or "endless" in name]
ON_COMMAND = [
    "pipe", "name with a line break", "name that is no UTF-8", "pickle as .npz", "npz cut", "npz with pickled objects",
    "zip bomb", "wrong keys", "radians", "two neurons with one name", "mat cut", "h5 linked outside", "nc 3 cut",
    "zarr 2 with a pickle as filter", "csv with text in numbers", "parquet cut", "nwb without trials",
]  # fmt: skip


@pytest.fixture(autouse=True)
def in_time(posix):
    """Nothing waits for what never comes, as a pipe would; a slow machine has time enough."""
    signal.signal(signal.SIGALRM, lambda *_: pytest.fail("it hangs"))
    signal.alarm(600)
    yield
    signal.alarm(0)


def listing(folder):
    return sorted(os.walk(folder))


def shown(path):
    """A file's name, as a message begins with it."""
    return os.fsencode(path).decode("utf-8", "backslashreplace").replace("\n", r"\n")


@pytest.mark.parametrize("broken", BROKEN, ids=[broken.name for broken in BROKEN])
def test_broken_files_give_one_line(tmp_path, monkeypatch, broken):
    monkeypatch.chdir(tmp_path)
    path = broken.write(tmp_path)
    before = listing(tmp_path)
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as caught:
            load(path, **broken.options)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    said = str(caught.value)
    assert re.search(broken.says, said), said
    assert said.startswith(f"{shown(path)}: ")
    assert said.isprintable()  # in one line, that is, and in UTF-8
    assert peak < LIMIT
    assert listing(tmp_path) == before
    assert not (tmp_path / MARK).exists()


def test_names_in_the_table_are_its_own():
    assert len(BY_NAME) == len(BROKEN) >= 50


def command(monkeypatch, capsys, *arguments):
    """Exit code, and what stands on standard output and standard error, of the command line."""
    monkeypatch.setattr(sys, "argv", ["normenc", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code, *capsys.readouterr()


@pytest.mark.parametrize("name", ON_COMMAND)
def test_the_command_line_gives_the_same_line(tmp_path, monkeypatch, capsys, name):
    monkeypatch.chdir(tmp_path)
    path = BY_NAME[name].write(tmp_path)
    before = listing(tmp_path)
    for arguments in (["check", path], ["run", "--recording", path, "--out", tmp_path / "out"]):
        if name == "name that is no UTF-8" and arguments[0] == "run":
            continue  # study files are UTF-8, and so are the names in them
        code, out, err = command(monkeypatch, capsys, *arguments)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert err.startswith(f"normenc: error: {shown(path)}: ")
        with pytest.raises(InputError) as raised:
            load(path, **BY_NAME[name].options)
        assert err == f"normenc: error: {as_options(str(raised.value))}\n"  # with the options of the command line
    assert listing(tmp_path) == before


@pytest.fixture
def as_nobody(posix):
    """A folder, and what forbids a file in it, to the superuser too, who is nobody from then on."""
    with tempfile.TemporaryDirectory() as name:
        folder, is_root = Path(name), os.geteuid() == 0
        folder.chmod(0o755)

        def forbidden(path):
            path.chmod(0)
            if is_root:
                os.seteuid(65534)

        yield folder, forbidden
        if is_root:
            os.seteuid(0)
        for path in folder.rglob("*"):
            path.chmod(0o755)


@pytest.mark.parametrize(
    ("write", "part", "says"),
    [
        (npz, "", "this file cannot be read; check its permissions"),
        (npy, "../r.csv", "r.csv: this table cannot be read.*Permission denied.*; save it"),
        (zarr2, "responses", "this Zarr store cannot be read, .*Permission denied.*; write it again"),
        (zarr2, "responses/0.0", "this Zarr store cannot be read, .*Permission denied.*; write it again"),
        (pictures, "../images", "this folder cannot be read .Permission denied.; check its permissions"),
        (pictures, "../images/dog.png", "dog.png: this image cannot be read .*Permission denied"),
    ],
)
def test_what_may_not_be_read(as_nobody, write, part, says):
    folder, forbidden = as_nobody
    path = write(folder)
    images = folder / "images" if write is pictures else None
    load(path, images=images)  # a whole file, by libraries that perhaps nobody may import later
    forbidden(Path(os.path.normpath(path / part)))
    with pytest.raises(InputError, match=says) as caught:
        load(path, images=images)
    assert str(caught.value).startswith(f"{path}: ")


CHILD = """
import os, resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import test_broken_files as table
paths = {}
for name in table.HEAVY:
    folder = Path(sys.argv[2], name)
    folder.mkdir()
    os.chdir(folder)
    paths[name] = table.BY_NAME[name].write(folder)
pages = int(Path("/proc/self/statm").read_text().split()[0])
whole = pages * os.sysconf("SC_PAGE_SIZE") + 2**29
resource.setrlimit(resource.RLIMIT_AS, (whole, whole))
for name, path in paths.items():
    try:
        table.load(path, **table.BY_NAME[name].options)
    except table.InputError as error:
        print(name, "memory" if "memory" in str(error) else "told")
"""


def test_what_is_huge_fits_into_little_memory(tmp_path):
    """All of the table that declare too much, in a process that may have 512 MiB more than it has at its start."""
    arguments = [sys.executable, "-c", CHILD, str(Path(__file__).parent), str(tmp_path)]
    alone = os.environ | {"MALLOC_ARENA_MAX": "1"}  # threads would reserve addresses, in which nothing is kept
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, env=alone)
    assert done.stdout.splitlines() == [f"{name} told" for name in HEAVY], done.stderr
