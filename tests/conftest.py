"""What several tests need: the shared data, and one trained reference network.

The package is imported where it is used: pytest's first process, which gives out the tests, needs none of it.
"""

import gc
import itertools
import os
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import numpy as np

    from normenc.training import TrainingResult

collect_ignore_glob = ["*/conftest.py"]  # they hold no examples, and as modules of doctests they have one name


def pytest_configure(config):
    """Collect no garbage until all tests are known: nearly all that is imported and collected stays until the end.

    Ctrl-C is heeded also where a shell started the tests in its background: commands that they start inherit this.
    """
    gc.disable()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish(session):
    """The garbage collector need not look at what is there by now, and at the rest as in a command."""
    import matplotlib

    from normenc.garbage import collect_rarely

    matplotlib.use("Agg")
    gc.freeze()
    collect_rarely()
    gc.enable()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real data; a test that needs it skips, saying why, where it is absent."""
    folder = Path(os.environ.get("NORMENC_SHARED_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"real data are absent: neither $NORMENC_SHARED_DATA nor {folder} is a folder")
    return folder


@pytest.fixture(scope="session")
def v1_file(shared_data: Path) -> Path:
    """The digitised RDM of mouse V1."""
    return shared_data / "v1_rdm_digitised.npz"


@pytest.fixture(scope="session")
def v1_rdm(v1_file: Path) -> "np.ndarray":
    import numpy as np

    with np.load(v1_file) as arrays:
        return arrays["rdm"]


@pytest.fixture(scope="session")
def reference() -> "TrainingResult":
    """The study's CNN, seed 12, trained once for all tests; nobody may change it."""
    from normenc import networks, tasks, training

    return training.train(networks.ConvPoolFC, tasks.TiltDiscrimination(), seed=12, device="cpu", progress=False)


@pytest.fixture(scope="session")
def caches(tmp_path_factory) -> Iterator[Path]:
    """Folders that no test has had; they are made by what fills them."""
    folder = tmp_path_factory.mktemp("caches")
    return (folder / str(number) for number in itertools.count())


@pytest.fixture(scope="session", autouse=True)
def no_users_cache(tmp_path_factory) -> Iterator[None]:
    """What fixtures of whole files train is not kept with what the user has trained, nor taken from there."""
    with pytest.MonkeyPatch.context() as here:
        here.setenv("NORMENC_CACHE", str(tmp_path_factory.mktemp("cache of fixtures")))
        yield


@pytest.fixture(autouse=True)
def own_cache(caches, monkeypatch):
    """No test finds networks that another, or the user, has trained."""
    monkeypatch.setenv("NORMENC_CACHE", str(next(caches)))


@pytest.fixture(scope="session")
def torchvision():
    """torchvision; its wheel for CUDA misses operators in a torch for CPUs, which no model here calls: name them."""
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for _ in range(50):
        try:
            return pytest.importorskip("torchvision", exc_type=ImportError, reason="torchvision is not installed")
        except RuntimeError as error:
            missing = re.search(r"operator torchvision::(\w+) does not exist", str(error))
            assert missing, error
            library.define(f"{missing[1]}(Tensor a) -> Tensor")
            for name in [name for name in sys.modules if name.startswith("torchvision")]:
                del sys.modules[name]
    raise AssertionError("torchvision cannot be imported")


@pytest.fixture(autouse=True)
def ctrl_c_as_before():
    """The command leaves Ctrl-C to the system when it ends, as its process does then."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def posix():
    """What needs signals, processes, users or pipes as POSIX has them asks for this, and is skipped on Windows."""
    if not hasattr(os, "fork"):
        pytest.skip("this takes signals, processes, users or pipes of POSIX, which this system has not")


@pytest.fixture
def largest_file(posix):
    """A context in which no file can have more than so many bytes, as on a disk that is full."""
    import resource

    @contextmanager
    def limit(n_bytes: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limit


@pytest.fixture
def normenc(monkeypatch, capsys, tmp_path):
    """Run the command in an empty folder; gives exit code, output and errors."""
    from normenc import cli

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NORMENC_CACHE", str(tmp_path / "cache"))

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["normenc", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
            raise SystemExit(0)
        output = capsys.readouterr()
        return stopped.value.code or 0, output.out, output.err

    return call


@pytest.fixture(scope="session")
def launch():
    """A function that starts Chromium; without one the test is skipped, or fails where it must not be."""
    api = pytest.importorskip("playwright.sync_api")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        said = "no chromium is on the path; install the Debian package chromium"
        if os.environ.get("NORMENC_REQUIRE_BROWSER"):
            pytest.fail(said)
        pytest.skip(said)
    quiet = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync")
    with api.sync_playwright() as playwright:
        started = []

        def start(*options: str):
            browser = playwright.chromium.launch(executable_path=path, args=[*quiet, *options])
            started.append(browser)
            return browser

        yield start
        for browser in started:
            browser.close()


@pytest.fixture(scope="session")
def browser(launch):
    """Without WebGL, which is slow to draw where there is no graphics card."""
    return launch("--disable-3d-apis")
