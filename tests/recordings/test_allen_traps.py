"""Odd files of the Allen Brain Observatory: each gives the right answer, or one line that says what is wrong."""

import h5py
import numpy as np
import pytest
from allen_files import N_CELLS, Session, Spikes, write_neuropixels, write_nwb1, write_nwb2

from normenc.errors import InputError
from normenc.recordings import load

ONE, TWO, SPIKES = "nwb1", "nwb2", "neuropixels"
PIPELINE = "processing/brain_observatory_pipeline"
TRACES = f"{PIPELINE}/DfOverF/imaging_plane_1"
SCENES = "stimulus/presentation/natural_scenes_stimulus"
STATIC = "intervals/static_gratings_presentations"


@pytest.fixture(scope="module")
def sources():
    return Session(), Spikes()


def put(place, change):
    """A change that replaces what lies at a place."""

    def apply(file):
        values = change(file[place][()])
        del file[place]
        file[place] = values

    return apply


def lose(place):
    return lambda file: file.__delitem__(place)


def at(row, value):
    def change(values):
        values = values.astype(np.result_type(values, type(value))) if not isinstance(value, str) else values
        values[row] = value
        return values

    return change


def blank_everywhere(file):
    put(f"{SCENES}/data", lambda own: own * 0 - 1)(file)


def other_session(file):
    file["general/session_id"] = np.bytes_("999999999")


TRAPS = {
    # two-photon, NWB 1
    "1: all are blanks": (ONE, blank_everywhere, "blank"),
    "1: a scene that is no number": (ONE, put(f"{SCENES}/data", lambda own: own.astype("S4")), None),
    "1: a scene that is missing": (ONE, put(f"{SCENES}/data", at(4, np.nan)), "the image of presentation 4 is nan"),
    "1: the start of a presentation is missing": (
        ONE,
        put(f"{SCENES}/frame_duration", lambda own: at((4, 0), np.nan)(own.astype(float))),
        "starts at frame nan, but there are",
    ),
    "1: starts below 0": (ONE, put(f"{SCENES}/frame_duration", at((4, 0), -7)), "starts at frame -7"),
    "1: starts only": (ONE, put(f"{SCENES}/frame_duration", lambda own: own[:, 0]), "times of shape"),
    "1: rows lacking": (ONE, put(f"{SCENES}/data", lambda own: own[:-2]), "presentations, and times of shape"),
    "1: times of samples that are missing": (ONE, put(f"{TRACES}/timestamps", at(7, np.nan)), "do not rise"),
    "1: times that come twice": (ONE, put(f"{TRACES}/timestamps", lambda own: at(7, own[6])(own)), "do not rise"),
    "1: signals of whole numbers": (ONE, put(f"{TRACES}/data", lambda own: (own * 9).astype(np.int16)), N_CELLS),
    "1: signals of complex numbers": (ONE, put(f"{TRACES}/data", lambda own: own * 1j), "dF/F"),
    "1: no cell": (ONE, put(f"{TRACES}/data", lambda own: own[:0]), "dF/F has the shape"),
    "1: two cells of one name": (
        ONE,
        put(f"{PIPELINE}/ImageSegmentation/cell_specimen_ids", lambda own: at(1, int(own[0]))(own)),
        "occurs 2 times",
    ),
    "1: all signals missing": (ONE, put(f"{TRACES}/data", lambda own: own * np.nan), "missing"),
    "1: another session": (ONE, other_session, "the file says that it is session 999999999, and not 511510753"),
    # two-photon, NWB 2
    "2: times in another clock": (
        TWO,
        put(f"{SCENES}/timestamps", lambda own: own + 1e6),
        "no sample of dF/F in their window",
    ),
    "2: a time that is missing": (TWO, put(f"{SCENES}/timestamps", at(3, np.nan)), "window"),
    "2: fewer times": (
        TWO,
        put(f"{SCENES}/timestamps", lambda own: own[:-1]),
        "presentations have 36 times, but what was shown has 37 rows",
    ),
    "2: cells that lead nowhere": (TWO, put("processing/ophys/DfOverF/DfOverF/rois", at(0, 99)), "does not lead to"),
    "2: a scene lacking": (TWO, lose("stimulus/templates/natural_scenes_template/NaturalScene3"), "they count from 0"),
    # spikes
    "s: a unit without spikes": (SPIKES, put("units/spike_times_index", lambda own: at(0, 0)(own)), None),
    "s: spikes that are missing": (SPIKES, put("units/spike_times", lambda own: own * np.nan), "has no time"),
    "s: a start that is missing": (SPIKES, put(f"{STATIC}/start_time", at(2, np.nan)), "is missing in 1 rows"),
    "s: times in another clock": (SPIKES, put(f"{STATIC}/start_time", lambda own: own + 1e6), "spike"),
    "s: rows lacking": (SPIKES, put(f"{STATIC}/start_time", lambda own: own[:-1]), "rows"),
    "s: all are blanks": (SPIKES, put(f"{STATIC}/orientation", lambda own: np.full(len(own), b"null")), "blank"),
    "s: two units of one number": (SPIKES, put("units/id", lambda own: at(4, int(own[0]))(own)), "occurs 2 times"),
    "s: a unit without a channel": (SPIKES, put("units/peak_channel_id", at(0, np.nan)), "peak_channel_id"),
    "s: qualities lacking": (
        SPIKES,
        put("units/quality", lambda own: own[:-1]),
        "units/quality has 8 rows, but there are 9 units",
    ),
    "s: no criterion": (SPIKES, lose("units/presence_ratio"), "it has no units/presence_ratio"),
    "s: no index": (SPIKES, lose("units/spike_times_index"), "it has no units/spike_times_index"),
    "s: no units": (SPIKES, lose("units"), "it has no units"),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_an_odd_file_is_read_rightly_or_told(sources, tmp_path, trap):
    layout, change, expected = TRAPS[trap]
    session, spikes = sources
    path = tmp_path / "own.nwb"
    if layout == SPIKES:
        write_neuropixels(path, spikes)
        name = f"allen-neuropixels/715093703?stimulus=static_gratings&from={path}"
    else:
        (write_nwb1 if layout == ONE else write_nwb2)(path, session)
        name = f"allen-2p/511510753?format={layout}&from={path}"
    before = load(name)
    with h5py.File(path, "r+") as file:
        change(file)
    if isinstance(expected, str):
        with pytest.raises(InputError, match=expected) as caught:
            load(name)
        assert "\n" not in str(caught.value) and "please report" not in str(caught.value)
        return
    recording = load(name)
    assert recording.n_neurons == before.n_neurons
    assert recording.stimulus.tolist() == before.stimulus.tolist()
