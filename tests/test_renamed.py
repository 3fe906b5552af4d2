"""Every name that changed still works by its old one, warns once, and gives the same."""

import importlib
import sys
import types

import pytest

from normenc.errors import InputError, NormencWarning
from normenc.renamed import RenamedWarning, keep_old_names, renamed, with_new_keys


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
    with pytest.raises(InputError, match="old and new are one argument; give new alone"):
        doubled(old=1, new=2)
    with pytest.raises(InputError, match="old and new are one key; keep new alone"):
        with_new_keys({"old": 1, "new": 2}, {"old": "new"})


def test_old_keys_of_a_section_are_the_new_ones():
    section = {"old": 1, "other": 2}
    with pytest.warns(RenamedWarning, match="^old is now called new"):
        assert with_new_keys(section, {"old": "new"}) == {"new": 1, "other": 2}
    assert section == {"old": 1, "other": 2}
    assert with_new_keys("no section", {"old": "new"}) == "no section"


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
]


@pytest.mark.parametrize(("room", "old", "new"), NAMES)
def test_old_names_are_the_new_ones(room, old, new):
    module = importlib.import_module(f"normenc.{room}")
    with pytest.warns(RenamedWarning, match=f"^normenc.{room}.{old} is now called {new};") as told:
        assert getattr(module, old) is getattr(module, new)
    assert len(told) == 1
    assert new in module.__all__
    assert old not in module.__all__
