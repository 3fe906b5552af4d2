"""Files that people made for themselves, read as they must be, each against a reading of its own."""

import numpy as np
import pytest
from scipy.io import loadmat
from scipy.stats import f_oneway

from normenc.errors import InputError
from normenc.recordings import load


@pytest.fixture
def real(shared_data):
    return shared_data / "real"


def test_cells_of_structures_with_an_axis_of_time(real):
    path = real / "park_glm.mat"
    mapped = {"responses": "D.neuron*", "direction": "TE.direction"}
    recording = load(path, names=mapped, times=(-1, 2), window="(0, 2]")
    file = loadmat(path, squeeze_me=True, struct_as_record=False)
    times = np.linspace(-1, 2, 49)
    inside = (times > 0) & (times <= 2 + 1e-9)
    cells = [getattr(file["D"], f"neuron{k}") for k in range(1, 19)]
    expected = np.array([[np.mean(trial[inside]) for trial in cell] for cell in cells]).T
    np.testing.assert_allclose(recording.trials, expected, rtol=1e-12)
    assert recording.read_as == "128 trials x 49 samples x 18 neurons, averaged over 32 of 49 samples in (0, 2] s"
    assert (recording.n_stimuli, recording.n_neurons, recording.n_trials) == (8, 18, 128)
    direction = file["TE"].direction
    np.testing.assert_array_equal(recording.trials["direction"], direction)
    p_values = [f_oneway(*(cell[direction == d] for d in np.unique(direction))).pvalue for cell in expected.T]
    assert np.sum(np.array(p_values) < 0.01) == 5


def test_codes_of_controls_are_no_stimuli(real):
    path = real / "cumming_mt.mat"
    mapped = {"responses": "ddat.firing_rate", "image": "ddat.disparity"}
    codes = [-9999, -99, 98, 99]
    recording = load(path, names=mapped, blank=codes)
    data = loadmat(path, squeeze_me=True)["ddat"]
    rate, disparity = data["firing_rate"].item(), data["disparity"].item()
    shown = ~np.isin(disparity, codes)
    assert recording.n_trials == shown.sum()
    assert len(recording.blanks) == (~shown).sum()
    assert recording.read_as == "65 trials of 1 neuron"
    for name, mean in zip(recording.stimulus, recording.responses.to_numpy()[:, 0], strict=True):
        assert mean == pytest.approx(rate[np.isclose(disparity, float(name))].mean())
    with pytest.raises(InputError, match="over more than 180 degrees"):
        load(path, names={"responses": "ddat.firing_rate", "orientation": "ddat.disparity"})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cumming_v1v2.mat", "DTdata with dx, resp, counts .1 x 1,575 structures, of different sizes or kinds"),
        ("pynapple_tsdframe.npz", r"it holds t \(100,\), d \(100, 3\)"),
        ("pynapple_A8604.nwb", "stimuli"),
        ("allen_496908818s.nwb", "NWB 1 file"),
        ("n2b_evc.npz", r"it holds arr_0 \(15, 78, 78\); it must hold .*'rdm'"),
    ],
)
def test_what_holds_no_stimuli_is_said_by_name_and_shape(real, name, message):
    with pytest.raises(InputError, match=message) as caught:
        load(real / name)
    assert len(str(caught.value)) < 1000


def test_intervals_whose_stops_are_not_known(real):
    recording = load(real / "dandi000006_anm369963_20170302.nwb", names={"image": "type"}, window=(0, 1))
    assert dict(zip(*np.unique(recording.trials["image"], return_counts=True), strict=True)) == {
        recording.stimulus[0]: recording.n_repeats[0],
        recording.stimulus[1]: recording.n_repeats[1],
    }
    assert sorted(recording.n_repeats) == [74, 119]


def test_presentations_of_brainio(real):
    mapped = {"responses": "data", "image": "stimulus_id", "repeat": "repetition", "neuron": "neuroid_id"}
    recording = load(real / "bs_testme.nc", names=mapped)
    assert recording.read_as == "6 trials x 3 neurons"
