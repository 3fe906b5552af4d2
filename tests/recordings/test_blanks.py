"""Trials without a stimulus, and names that are missing."""

import numpy as np
import pytest

from normenc.errors import InputError
from normenc.recordings import load

RNG = np.random.default_rng(0)
RESPONSES = RNG.normal(size=(40, 5))
ORIENTATION = np.tile([0.0, 45, 90, 135, np.nan], 8)


def loaded(tmp_path, options=None, **arrays):
    np.savez(tmp_path / "mine.npz", **({"responses": RESPONSES} | arrays))
    return load(tmp_path / "mine.npz", **(options or {}))


@pytest.mark.parametrize("of_blanks", [0.0, np.nan])
def test_conditions_on_stimuli_keep_the_blanks_and_those_on_trials_do_not(tmp_path, of_blanks):
    contrast = np.where(np.isnan(ORIENTATION), of_blanks, np.tile([0.2] * 5 + [1] * 5, 4))
    session = np.repeat(["a", "b"], 20)
    given = {"orientation": ORIENTATION, "contrast": contrast, "session": session}
    chosen = loaded(tmp_path, {"where": {"contrast": 1}}, **given)
    np.testing.assert_array_equal(chosen.blanks, RESPONSES[np.isnan(ORIENTATION)])
    np.testing.assert_array_equal(np.sort(chosen.trials, axis=0), np.sort(RESPONSES[contrast == 1], axis=0))
    assert "kept 16 and 8 blanks of 40 trials (contrast 1)" in chosen.steps
    both = loaded(tmp_path, {"where": {"contrast": 1, "session": "b"}}, **given)
    np.testing.assert_array_equal(both.blanks, RESPONSES[np.isnan(ORIENTATION) & (session == "b")])
    with pytest.raises(InputError, match="where: no row with a stimulus has contrast 0 together"):
        loaded(tmp_path, {"where": {"contrast": 0}}, **given | {"contrast": np.nan_to_num(contrast)})


@pytest.mark.parametrize("name", ["blank", "Gray", "None", "nan", "grey screen", ""])
def test_names_of_blanks_are_no_images(tmp_path, name):
    image = np.where(np.isnan(ORIENTATION), name, np.tile(["a", "b", "c", "d", "e"], 8))
    found = loaded(tmp_path, image=image)
    assert (found.n_stimuli, len(found.blanks)) == (4, 8)
    if name:
        pictures = {"images": RNG.uniform(size=(5, 60, 80)), "image_names": np.array(["a", "b", "c", "d", name])}
        assert loaded(tmp_path, image=image, **pictures).n_stimuli == 5


@pytest.mark.parametrize(
    "words", [("T", "F"), ("Y", "N"), ("x", ""), ("yes", "no"), ("1", "0"), ("True", "False"), (True, False)]
)
def test_a_column_says_which_trials_are_blanks(tmp_path, words):
    blank = np.where(np.isnan(ORIENTATION), *map(np.array, words))
    found = loaded(tmp_path, orientation=np.nan_to_num(ORIENTATION), blank=blank)
    assert (found.n_stimuli, len(found.blanks), found.n_repeats) == (4, 8, (8, 8))
    with pytest.raises(InputError, match="the column blank holds 'maybe'; it must be true or false for each trial"):
        loaded(tmp_path, orientation=ORIENTATION, blank=np.where(blank == words[0], "maybe", "no"))


@pytest.mark.parametrize("missing", ["nan", "", " ", "NaT"])
@pytest.mark.parametrize("label", ["animal", "session"])
def test_names_of_animals_and_sessions_are_of_all_trials_or_of_none(tmp_path, label, missing):
    names = np.array(["m1", "m1 "] * 20)
    assert getattr(loaded(tmp_path, orientation=ORIENTATION, **{label: names}), f"{label}s") == ("m1",)
    names = np.where(np.arange(40) < 3, missing, names)
    with pytest.raises(InputError, match=f"{label} is missing in 3 of 40 trials; name all of them, or none"):
        loaded(tmp_path, orientation=ORIENTATION, **{label: names})
    assert getattr(loaded(tmp_path, orientation=ORIENTATION, **{label: np.full(40, missing)}), f"{label}s") == ()
