"""What commands give to programs: one JSON value or nothing on the standard output, and exit codes as promised."""

import json
import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer

from normenc import cli
from normenc.cli.commands import app
from normenc.progress_showing import _Lines
from promised_json import PAGE, promised

TABLE = dict(re.findall(r"^\| `([a-z -]+)` \| (.*) \|$", PAGE.partition("\n## ")[0], flags=re.MULTILINE))
STUDY = """
stages = ["represent", "compare"]
[recording]
source = "mine.npz"
[stimuli]
resolution = 0.05
[task]
n_train = 20
n_test = 10
[network]
pool_size = 4
n_channels = 3
[training]
n_epochs = 1
n_untrained = 2
[comparison]
controls = ["pixels"]
other_measures = []
n_samples = 50
n_permutations = 19
[identify]
n_simulations = 20
[power]
n_stimuli = [12]
n_neurons = [20]
n_repeats = [1]
n_animals = [1]
n_simulations = 2
n_samples = 50
[design]
pool_size = 12
n = 6
trials = 1
resolution = 0.2
n_simulations = 20
n_random = 2
"""
PUBLISHED = """name = "told"
title = "Told"
citation = "We, 2026"
recordings.v1 = { sources = ["mine.npz"], get = "ask us" }
[[claims]]
name = "ceiling"
what = "the ceiling"
where = "Fig. 1"
at_least = -1.0
recording = "v1"
measure = "rdm_ceiling"
options = { n_draws = 3, n_splits = 2 }
"""
COMMANDS = {  # what is refused in place of {}, and the command, in the order of the table
    "run": ("s.toml", "run {} --out run --force --device cpu"),
    "run --dry-run": ("s.toml", "run {} --dry-run --device cpu"),
    "check": ("mine.npz", "check {}"),
    "power": ("s.toml", "power {} --workers 1 --device cpu"),
    "identify": ("s.toml", "identify {} --device cpu"),
    "design": ("s.toml", "design {} --device cpu"),
    "compare": ("run", "compare {} copy"),
    "report": ("run", "report {}"),
    "figures": ("run", "figures {} --only rdms --format svg --out paper"),
    "figures --list": ("run", "figures {} --list"),
    "reproduce": ("told.toml", "reproduce {} --force"),
    "reproduce --list": ("human-it", "reproduce {} --list"),
    "reproduce --from": ("run", "reproduce --from {} --encoder fc --out from.toml"),
    "export": ("run", "export {} --zip"),
    "verify": ("run.zip", "verify {} --device cpu"),
    "doctor": ("", "doctor"),
    "doctor --last": ("", "doctor --last"),
    "recordings": ("", "recordings"),
    "recordings show": ("allen-2p/5", "recordings show {}"),
    "recordings fetch": ("allen-2p/5?stream=yes", "recordings fetch {} --yes"),
}
LONG = {"run", "check", "power", "identify", "design", "compare", "report", "figures", "reproduce", "verify"}
SAID = {
    "figures": {"files": [str(Path("paper") / "rdms.svg")]},
    "export": {"zip": "run.zip"},
    "verify": {"holds": True, "digits": 6},
}
SHORT = {"figures --list", "reproduce --list", "recordings fetch"}


def options(group, before=""):
    """The options of every command."""
    for name, own in group.commands.items():
        yield f"{before}{name}", {option for parameter in own.params for option in parameter.opts}
        if hasattr(own, "commands"):
            yield from options(own, f"{name} ")


OPTIONS = dict(options(typer.main.get_command(app)))


def strictly(text):
    """The value of a JSON text that holds nothing else, in which nothing unknown is called anything but null."""
    assert not re.search(r' "?(nan|-?inf|NaT|<NA>|None|NaN|-?Infinity)"?,?$', text, flags=re.MULTILINE)
    return json.loads(text)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Where a recording, its study, and what other commands ask for are."""
    folder = tmp_path_factory.mktemp("programs")
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(12, 20)).repeat(2, axis=0)
    np.savez(folder / "mine.npz", responses=signal + rng.normal(size=(24, 20)), orientation=15.0 * (np.arange(24) // 2))
    (folder / "s.toml").write_text(STUDY, encoding="utf-8")
    (folder / "told.toml").write_text(PUBLISHED, encoding="utf-8")
    (folder / "cache" / "reports").mkdir(parents=True)
    (folder / "cache" / "reports" / "1.txt").write_text("normenc run\nTraceback", encoding="utf-8")
    return folder


@pytest.fixture
def command(place, monkeypatch, capfd):
    """A function that runs a command in this folder; gives exit code, output and errors, of the process itself."""
    monkeypatch.chdir(place)
    monkeypatch.setenv("NORMENC_CACHE", str(place / "cache"))

    def call(words):
        monkeypatch.setattr(sys, "argv", ["normenc", *words.split()])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
            raise SystemExit(0)
        return stopped.value.code or 0, *capfd.readouterr()

    return call


@pytest.fixture(scope="module")
def done():
    """Which commands, whose results others use, have been run."""
    return {}


NEEDED = {"compare": "run", "figures": "run", "figures --list": "run", "reproduce --from": "run", "export": "run"}
NEEDED |= {"report": "run", "verify": "export"}


def run_once(row, command, done):
    """Run a row's command, after those whose results it uses; gives exit code, output and errors."""
    if row in NEEDED:
        run_once(NEEDED[row], command, done)
    if row not in done:
        given, words = COMMANDS[row]
        done[row] = command(f"{words.format(given)} --json")
        if row == "run":
            shutil.copytree("run", "copy")
    return done[row]


def test_the_table_has_every_command_that_prints_json():
    assert list(TABLE) == list(COMMANDS)
    assert {row.partition(" --")[0] for row in TABLE} == {name for name, own in OPTIONS.items() if "--json" in own}


@pytest.mark.parametrize("row", COMMANDS)
def test_json_is_all_that_a_command_prints(row, command, done, monkeypatch):
    def noisy(self, state):
        print("of the user's own code")
        os.write(1, b"of a process that it started\n")

    monkeypatch.setattr(_Lines, "__call__", noisy)
    code, out, err = run_once(row, command, done)
    assert code == 0, err
    found = strictly(out)
    keys = set().union(*found) if isinstance(found, list) else set(found)
    assert promised(row) <= keys
    assert keys == promised(row) or not TABLE[row].startswith("`")
    assert isinstance(found, list) or found | SAID.get(row, {}) == found
    heard = set(re.sub(r"^(licence|cite|allen-2p/5).*", "", err, flags=re.MULTILINE).split("\n")) - {""}
    assert heard == ({"of the user's own code", "of a process that it started"} if row in LONG else set())
    if row == "run":
        (similarity,) = Path("run").glob("similarity.csv")
        first = pd.read_csv(similarity).iloc[0]
        assert (found["ceiling_low"], found["ceiling_high"]) == (first["ceiling_lower"], first["ceiling_upper"])
    if row in SHORT:
        given, words = COMMANDS[row]
        assert command(f"{words.format(given)} --json --quiet") == (0, out, "")


@pytest.mark.parametrize("row", COMMANDS)
def test_what_is_refused_or_interrupted_prints_no_json(row, command, done, monkeypatch):
    def ctrl_c(self, state):
        raise KeyboardInterrupt

    given, words = COMMANDS[row]
    if given:
        code, out, err = command(f"{words.format('nowhere' + Path(given).suffix)} --json")
        assert (code, out) == (2, "") and err.startswith("normenc: error: ")
    if row in LONG:
        if row in NEEDED:
            run_once(NEEDED[row], command, done)
        monkeypatch.setattr(_Lines, "__call__", ctrl_c)
        code, out, err = command(f"{words.format(given)} --json")
        assert (code, out) == (130, "") and err.startswith("normenc: interrupted")
