"""Every name that changed still works by its old one, warns once, and gives the same."""

import dataclasses
import importlib
import sys
import types

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from normenc import figures, quality, recordings, report, rsa
from normenc.errors import InputError, NormencWarning
from normenc.renamed import RenamedWarning, keep_old_names, renamed, with_new_keys
from normenc.runs.older_keys import OLD_KEYS
from normenc.study import load_study, power


@renamed(old="new")
def doubled(*, new=1):
    return 2 * new


@renamed(old="new")
class Holder:
    def __init__(self, new=1):
        self.new = new


def test_an_old_parameter_is_the_new_one_and_warns_where_it_was_typed():
    with pytest.warns(RenamedWarning, match="^old is now called new; the old name works in this version only$") as told:
        assert doubled(old=3) == doubled(new=3) == 6
    assert len(told) == 1
    assert told[0].filename == __file__
    with pytest.warns(RenamedWarning):
        assert Holder(old=3).new == 3
    assert issubclass(RenamedWarning, NormencWarning)
    assert issubclass(RenamedWarning, FutureWarning)  # which Python shows, and is no DeprecationWarning


def test_both_names_at_once_are_refused():
    with pytest.raises(InputError, match="old is the old name of new; give only new"):
        doubled(old=1, new=2)
    with pytest.raises(InputError, match="power: old is the old name of new; keep only new"):
        with_new_keys({"old": 1, "new": 2}, "power", {"old": "new"}, warn=True)


def test_a_field_answers_to_its_old_name():
    with pytest.warns(RenamedWarning, match="z_scored is now called z_score") as told:
        assert recordings.Preparation(z_score=True).z_scored is True
    assert len(told) == 1 and told[0].filename == __file__
    with pytest.raises(InputError, match=r"z_scored is the old name of z_score; .*knows only the new name"):
        dataclasses.replace(recordings.Preparation(), z_scored=True)
    assert not hasattr(Holder(), "old")


def test_old_keys_of_a_section_are_the_new_ones():
    section = {"old": 1, "other": 2}
    with pytest.warns(RenamedWarning, match=r"^power\.old is now called power\.new;"):
        assert with_new_keys(section, "power", {"old": "new"}, warn=True) == {"new": 1, "other": 2}
    assert section == {"old": 1, "other": 2}
    assert with_new_keys("no section", "power", {"old": "new"}, warn=True) == "no section"


def test_a_module_answers_for_its_old_names_and_for_no_others():
    module = types.ModuleType("renamed_toy")
    sys.modules["renamed_toy"] = module
    try:
        module.new = object()
        module.__getattr__ = lambda name: 5 if name == "lazy" else None
        keep_old_names("renamed_toy", old="new")
        with pytest.warns(RenamedWarning, match="^renamed_toy.old is now called new"):
            assert module.old is module.new
        assert module.lazy == 5
        del module.__getattr__
        keep_old_names("renamed_toy", old="new")
        with pytest.raises(AttributeError, match="module 'renamed_toy' has no attribute 'older'"):
            _ = module.older
    finally:
        del sys.modules["renamed_toy"]


NAMES = [  # room, old name, new name
    ("encoding", "CourseFit", "NeuromatchFit"),
    ("encoding", "course_network", "neuromatch_network"),
    ("encoding", "fit_course_network", "fit_neuromatch_network"),
    ("quality", "inference_inputs", "rdms_for_inference"),
    ("rsa", "CROSSVALIDATED", "CROSS_VALIDATED"),
    ("rsa", "crossvalidate_weighted", "cross_validate_weighted"),
    ("rsa", "crossvalidated_rdm", "cross_validated_rdm"),
    ("study", "Tally", "SweepProgress"),
]


@pytest.mark.parametrize(("room", "old", "new"), NAMES)
def test_old_names_are_the_new_ones(room, old, new):
    module = importlib.import_module(f"normenc.{room}")
    with pytest.warns(RenamedWarning, match=f"^normenc.{room}.{old} is now called {new};") as told:
        assert getattr(module, old) is getattr(module, new)
    assert len(told) == 1
    assert new in module.__all__
    assert old not in module.__all__


RESPONSES = np.random.default_rng(0).normal(size=(8, 5))
LOG = pd.DataFrame({"step": [1, 2], "training_loss": [1.0, 0.5], "held_out_loss": [1.1, 0.7]})
PREDICTED = pd.DataFrame(
    {
        "recording": "V1",
        "encoder": ["one", "other"],
        "kind": "control",
        "similarity": [0.1, 0.3],
        **{"similarity_low": 0.0, "similarity_high": 0.5, "ceiling_lower": 0.8, "ceiling_upper": 0.9},
        **{"feve": [0.2, 0.4], "feve_low": 0.1, "feve_high": 0.6},
    }
)


def points(axes):
    return [line.get_xydata().tolist() for line in axes.lines] + [
        dots.get_offsets().tolist() for dots in axes.collections
    ]


def on_axes(draw):
    """What a picture puts on the axes that it is given, by the name of its parameter for them."""

    def drawn(**axes):
        (given,) = axes.values()
        assert draw(**axes) is given
        return points(given)

    return drawn


def told(**progress):
    """What a callback is told of bootstraps."""
    (name,) = progress
    calls = []
    models = {"one": rsa.rdm(RESPONSES[:, :3]), "other": rsa.rdm(RESPONSES[:, 2:])}
    rsa.infer(models, responses=RESPONSES, n_samples=9, n_permutations=19, **{name: lambda *done: calls.append(done)})
    return calls


def raised_by_power(**options):
    """What power says to a study that it refuses, before anything is computed."""
    with pytest.raises(InputError) as refused:
        power(out=__file__, **options)
    return str(refused.value)


LIMITS = quality.decidable(V1 := recordings.simulated_v1(5, n_stimuli=12), quality.rdms_for_inference(V1))
SIMILARITY = pd.DataFrame(
    {
        **{"recording": "V1", "encoder": "fc", "kind": "trained layer", "similarity": 0.6, "low": 0.5, "high": 0.7},
        **{"ceiling": "none", "p_ceiling_holm": np.nan, "p_permutations_holm": 0.5, "chance": "circular shifts"},
    },
    index=[0],
)
NO_DIFFERENCES = pd.DataFrame(columns=["encoder", "other", "other_kind", "difference", "low", "high", "p_holm"])
PARAMETERS = {  # of a function: what is called, the old name, the new name, a value
    "rsa.infer": (told, "tick", "progress", None),
    "recordings.stream_rdm": (
        lambda **options: recordings.stream_rdm(RESPONSES, range(8), **options).rdm.tolist(),
        "zscore",
        "z_score",
        False,
    ),
    "recordings.load": (
        lambda **options: recordings.load("simulated-v1", n_neurons=5, **options).responses.to_numpy().tolist(),
        "z_scored",
        "z_score",
        True,
    ),
    "quality.decisions": (
        lambda **facts: quality.decisions(**facts, kind="orientation", n_stimuli=12),
        "found",
        "facts",
        LIMITS,
    ),
    "study.power": (raised_by_power, "n_jobs", "workers", 1),
    "report.findings": (
        lambda **of_stimuli: report.findings(SIMILARITY, NO_DIFFERENCES, **of_stimuli),
        "kind",
        "stimulus_type",
        "direction",
    ),
    "figures.loss_curves": (on_axes(lambda **o: figures.loss_curves({"fit": LOG}, **o)), "ax", "axes", "new"),
    "figures.readout_positions": (
        on_axes(lambda **o: figures.readout_positions([[1, 2], [3, 4]], (8, 8), **o)),
        "ax",
        "axes",
        "new",
    ),
    "figures.predictivity": (on_axes(lambda **o: figures.predictivity(PREDICTED, **o)), "ax", "axes", "new"),
}


@pytest.mark.parametrize("function", PARAMETERS)
def test_old_parameters_do_the_same(function):
    call, old, new, value = PARAMETERS[function]

    def given():
        return plt.subplots()[1] if value == "new" else value

    expected = call(**{new: given()})
    with pytest.warns(RenamedWarning, match=f"^{old} is now called {new};") as warned:
        assert call(**{old: given()}) == expected
    assert len(warned) == 1
    plt.close("all")


KEYS = [(section, old, new) for section, names in OLD_KEYS.items() for old, new in names.items()]
VALUES = {"other_measures": ["cosine"], "fold_arc": 5.0, "z_score": True}


@pytest.mark.parametrize(("section", "old", "new"), KEYS)
def test_old_keys_of_a_study_file_do_the_same(section, old, new, tmp_path):
    files = [tmp_path / f"{name}.toml" for name in (old, new)]
    for path, name in zip(files, (old, new), strict=True):
        path.write_text(f"name = 'same'\n[{section}]\n{name} = {str(VALUES[new]).lower()}\n", encoding="utf-8")
    with pytest.warns(RenamedWarning, match=rf"^{section}\.{old} is now called {section}\.{new};") as warned:
        study = load_study(files[0])
    assert len(warned) == 1
    assert study == load_study(files[1]) != load_study_without_keys(tmp_path)
    files[0].write_text(f"[{section}]\n{old} = 1\n{new} = 1\n", encoding="utf-8")
    with pytest.raises(InputError, match=f"{old} is the old name of {new}; keep only {new}"):
        load_study(files[0])


def load_study_without_keys(folder):
    (folder / "same.toml").write_text("", encoding="utf-8")
    return load_study(folder / "same.toml")
