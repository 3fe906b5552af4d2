"""Advice names parameters of Python in the library, and options on the command line."""

import ast
import re
import shlex
from pathlib import Path

import pytest

import normenc
from normenc import cli
from normenc.cli.advice import FLAGS, as_options
from normenc.cli.options import OPTIONS
from normenc.errors import InputError
from normenc.recordings import load
from normenc.texts import argument

PACKAGE = Path(normenc.__file__).parent
OPTION = re.compile(r"(?<![\w-])--[a-z]")
TO_DO = ("cli",)  # rooms whose texts may name options


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("pass blank=-1", "pass --blank=-1"),
        ("pass blank=[999, 888].", "pass --blank 999,888."),
        ("times=(-0.5, 1.4)", "--times=-0.5,1.4"),
        ("window=(FROM, TO) or window='all'", "--window FROM,TO or --window all"),
        ("window='(0, 2]' is open", "--window '(0, 2]' is open"),
        ("leave out window=, baseline=; or fold_directions=True", "leave out --window, --baseline; or --fold"),
        ("where={'session': 'a', 'contrast': [0.5, 1]}", "--where 'session=a,contrast=0.5|1'"),
        ("choose another folder with out=", "choose another folder with --out"),
        ("names={'responses': \"it's\"}", """--map 'responses=it'"'"'s'"""),
    ],
)
def test_arguments_become_options(text, shown):
    assert as_options(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "quality=good is what the file says",
        "image=house, orientation=0",
        "window=f(x)",
        "names={'responses': 'a ... (4,992 characters more)",
        "'blank=3' is the name of a column",
        "my.window=3",
        "blank=__import__('os')",
    ],
)
def test_other_texts_stay_as_they_are(text):
    assert as_options(text) == text


@pytest.mark.parametrize("own", ["theta", "D.neuron*", "my array", "it's", "a|b"])
def test_the_shell_gives_back_what_was_advised(own):
    words = shlex.split(as_options(f"pass {argument(names={'responses': own})}"))
    assert words == ["pass", "--map", f"responses={own}"]


def test_every_option_of_a_recording_is_known():
    assert {option.field: option.flag for option in OPTIONS}.items() <= FLAGS.items()


def test_a_control_in_advice_stays_an_escape(tmp_path, monkeypatch, capsys):
    (tmp_path / "m.csv").write_text("orientation,n0\n0\x1b[31m,1\n90,2\n")
    monkeypatch.setattr("sys.argv", ["normenc", "check", str(tmp_path / "m.csv")])
    with pytest.raises(SystemExit):
        cli.main()
    assert "\x1b" not in "".join(capsys.readouterr())
    with pytest.raises(InputError, match=r"blank='0\\x1b\[31m'"):
        load(tmp_path / "m.csv", names={"responses": "n*"})


def test_the_library_names_no_option():
    found = {}
    for file in PACKAGE.rglob("*.py"):
        if file.relative_to(PACKAGE).parts[0] in TO_DO:
            continue
        texts = [node.value for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Constant)]
        if said := [text for text in texts if isinstance(text, str) and OPTION.search(text)]:
            found[file.name] = said
    assert not found
