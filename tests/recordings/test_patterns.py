"""Patterns that name neurons: what they match, and what is refused because it is no neuron."""

import numpy as np
import pandas as pd
import pytest

from normenc.errors import InputError
from normenc.recordings import load

DEGREES = np.tile([0.0, 45, 90, 135], 4)
RNG = np.random.default_rng(0)
NEURONS = {f"D.neuron{number}": RNG.normal(size=16) for number in (10, 2, 1)}


def saved(tmp_path, **others):
    np.savez(tmp_path / "a.npz", theta=DEGREES, **NEURONS, **others)
    return tmp_path / "a.npz"


def test_speed_and_pupil_are_no_neurons(tmp_path):
    path = saved(tmp_path, **{"D.speed": RNG.normal(size=16), "D.pupil_zscore": RNG.normal(size=16)})
    with pytest.raises(InputError) as caught:
        load(path, names={"responses": "D.*", "orientation": "theta"})
    assert "matches D.neuron1 to D.neuron10, and also D.pupil_zscore, D.speed" in str(caught.value)
    assert "for the first alone, pass names={'responses': 'D.neuron*'}" in str(caught.value)
    recording = load(path, names={"responses": "D.neuron*", "orientation": "theta"})
    expected = np.stack([NEURONS[f"D.neuron{number}"] for number in (1, 2, 10)], axis=1)
    np.testing.assert_array_equal(recording.trials, expected)
    assert "responses are 3 arrays, D.neuron1 to D.neuron10, one per neuron" in recording.notes
    both = load(path, names={"responses": "D.neuron*|D.speed", "orientation": "theta"})
    assert both.n_neurons == 4


@pytest.mark.parametrize(
    "other", ["D.reference", "D.running", "D.trial", "D.orientation", "D.eyePosition", "D.session"]
)
def test_whatever_is_not_numbered_as_the_neurons_are_is_odd(tmp_path, other):
    with pytest.raises(InputError, match=f"and also {other}, which does not look like a neuron"):
        load(saved(tmp_path, **{other: DEGREES + 1}), names={"responses": "D.*", "orientation": "theta"})


def test_what_is_mapped_to_another_name_is_no_neuron(tmp_path):
    recording = load(saved(tmp_path), names={"responses": "*", "orientation": "theta"})
    assert recording.n_neurons == 3


def test_neurons_of_any_names_are_taken_and_listed(tmp_path):
    np.savez(tmp_path / "b.npz", orientation=DEGREES, **{f"f.{name}": RNG.normal(size=16) for name in "abz"})
    recording = load(tmp_path / "b.npz", names={"responses": "f.*"})
    assert recording.n_neurons == 3
    assert "responses are 3 arrays, f.a, f.b, f.z, one per neuron" in recording.notes


def test_columns_of_a_table_are_held_to_the_same(tmp_path):
    table = pd.DataFrame({f"c{number}": RNG.normal(size=16) for number in range(4)})
    table = table.assign(orientation=DEGREES, contrast=1.0, camera=2.0)
    table.to_csv(tmp_path / "c.csv", index=False)
    with pytest.raises(InputError, match=r"c\* matches c0 to c3, and also contrast, camera"):
        load(tmp_path / "c.csv", names={"responses": "c*"})
    assert load(tmp_path / "c.csv", names={"responses": "c?"}).n_neurons == 4
    assert load(tmp_path / "c.csv", names={"responses": "c?|camera"}, missing="neurons").n_neurons == 5
