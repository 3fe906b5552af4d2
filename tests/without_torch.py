"""What works without torch, and what tells that it does not: pieces of work that need a folder, and give plain values.

Run as a program, no package of the extra ``nets`` can be imported; it prints what each piece gives, as JSON.
"""

import contextlib
import doctest
import io
import json
import sys
from importlib import import_module
from importlib.machinery import PathFinder
from pathlib import Path

HIDDEN = ("torch", "torchvision", "timm", "safetensors", "dask", "distributed", "cryptography")
ROOMS = ["embedding", "encoders", "encoding", "errors", "estimators", "figures", "published", "quality", "recordings"]
ROOMS += ["report", "rsa", "runs", "stimulus_types", "tuning"]
LONG = {"banded_ridge", "fit_controls", "unique_variance"}  # examples of a second
NETS = {"simulated_from_photographs"}  # reads a network
PROGRAM = "from normenc.cli import main; main()"


def hide():
    """Leave torch and what else the extra brings as if they were not installed."""
    find = PathFinder.find_spec
    PathFinder.find_spec = classmethod(
        lambda cls, name, path=None, target=None: None if name.partition(".")[0] in HIDDEN else find(name, path, target)
    )


def examples(room):
    """The examples of a room's public names: how many ran, and what failed."""
    module, failed, tried = import_module(f"normenc.{room}"), [], 0
    for name in module.__all__:
        try:
            part = getattr(module, name)
        except ImportError:
            assert room == "encoding", name  # the one of these rooms that holds networks
            continue
        home = sys.modules.get(getattr(part, "__module__", None) or "")
        if home is None or name in LONG | NETS:
            continue
        for test in doctest.DocTestFinder(recurse=False).find(part, name, module=home, globs=dict(vars(home))):
            said = io.StringIO()
            found = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False).run(test, out=said.write)
            tried += found.attempted
            failed += [said.getvalue()] * (found.failed > 0)
    return [tried, failed]


def checked(place):
    """A check of gratings."""
    from normenc import quality

    return quality.check(place / "mine.npz").to_dict()


def checked_images(place):
    """A check of photographs in files, which its models see smaller."""
    from normenc import quality

    return quality.check(place / "seen.npz", images=place / "images").to_dict()


def inferred(place):
    """Controls that need no torch, compared with a recording by every measure."""
    from normenc import controls, recordings, rsa
    from normenc.stimuli.waves import study_gratings

    recording = recordings.load(place / "mine.npz")
    images = study_gratings(recording.orientation)
    units = {
        "pixels": controls.pixels(images)["pixels"],
        "Fourier": controls.fourier_amplitude(images)["amplitude"],
        "Gabor": controls.gabor_energy(images)["energy"],
        "orientation": controls.orientation_model(recording.orientation)["orientation"],
    }
    models = {name: rsa.rdm(own) for name, own in units.items()}
    found = rsa.infer(models, responses=recording.responses, n_samples=20, n_permutations=9)
    each = {name: rsa.compare_rdms(models["Gabor"], models["pixels"], name) for name in rsa.METHODS}
    return [found.models.to_csv(), found.pairs.to_csv(), each]


def read_run(place):
    """A finished run: opened, and its page."""
    from normenc import Run, report

    opened = Run.open(place / "toy")
    return [opened.similarity.to_csv(), opened.recording, report.render(place / "toy")]


def simulated(place):
    """Recordings that are made, and named ones."""
    from normenc import controls, recordings

    images = recordings.load(place / "seen.npz", images=place / "images").images[:, :40, :40].mean(axis=3) / 255
    made = recordings.simulated_natural(controls.gabor_energy(images)["energy"], images, n_neurons=8, n_repeats=2)
    named = recordings.load("simulated-v1", n_neurons=5, bin_width=30)
    return [made.recording.trials.values.tolist(), named.responses.values.tolist(), len(recordings.catalogue())]


PIECES = {own.__name__: own for own in (checked, checked_images, inferred, read_run, simulated)}


def command(*words):
    """Exit code, output and errors of the command line."""
    from normenc.cli.guard import run

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            run([str(word) for word in words])
            code = 0
        except SystemExit as stopped:
            code = stopped.code or 0
    return [code, out.getvalue(), err.getvalue()]


def commands(place):
    """Command lines that work, by what they begin with."""
    toy = place / "toy"
    return {
        "--help": [],
        "doctor": [],
        "recordings": [],
        "check": [place / "mine.npz"],
        "compare": [toy, place / "twin", "--out", place / "both.html", "--force"],
        "figures": [toy, "--only", "rdms", "--out", place / "figures"],
        "export": [toy, "--zip", "--out", place / "other.zip", "--force"],
        "reproduce": ["--list"],
    }


def doors():
    """Ways to a network: what is tried, and the words by which the line must name it."""
    import numpy as np

    from normenc import quality, stimuli, study
    from normenc.stimuli.stacks import Resized

    def name_of(room, name):
        return lambda: getattr(import_module(f"normenc.{room}"), name)

    doors = {f"normenc.{room}": lambda room=room: import_module(f"normenc.{room}") for room in WHOLE}
    doors |= {f"normenc.{room}.{name}": name_of(room, name) for room, name in NAMES}
    return doors | {
        "an image as a tensor": lambda: stimuli.ImageSet.of(np.zeros((1, 2, 3)))[0],
        "bringing images of several sizes to one": lambda: Resized(np.zeros((1, 4, 6)), (2, 3), "crop")[0],
        "the recording simulated-natural": lambda: quality.check("simulated-natural"),
        "a scheduler": lambda: study.Scheduler("tls://127.0.0.1:8786").security(),
    }


WHOLE = ("networks", "pretrained", "representations", "tasks", "training")
NAMES = (("stimuli", "gratings"), ("controls", "CONTROLS"), ("encoding", "fit"), ("study", "Study"), ("study", "run"))
CLOSED = {  # commands that need a network
    "run": ("normenc run", ()),
    "power": ("normenc power", ()),
    "identify": ("normenc identify", ()),
    "design": ("normenc design", ()),
    "schema": ("normenc schema", ()),
    "check": ("the check of a study file", ("study.toml",)),
    "verify": ("toy.zip: its checksums are right; running its study again", ("toy.zip",)),
}


def said_at(door):
    """What is raised there: its type, and its message."""
    try:
        door()
    except Exception as error:
        return [[kind.__name__ for kind in type(error).__mro__], str(error)]
    return "open"


def everything(place):
    """All that the tests ask about, without torch."""
    import matplotlib

    matplotlib.use("Agg")
    found = {"pieces": {name: own(place) for name, own in PIECES.items()}}
    found["commands"] = {name: command(name, *rest) for name, rest in commands(place).items()}
    found["examples"] = {room: examples(room) for room in ROOMS}
    found["doors"] = {name: said_at(door) for name, door in doors().items()}
    found["closed"] = {name: command(name, *(place / own for own in rest)) for name, (_, rest) in CLOSED.items()}
    found["reproduced"] = command(
        "reproduce", "reference", "--recording", place / "mine.npz", "--out", place / "reproduced"
    )
    found["loaded"] = [name for name in HIDDEN if name in sys.modules]
    return found


if __name__ == "__main__":
    hide()
    print(json.dumps(everything(Path(sys.argv[1])), default=str))
