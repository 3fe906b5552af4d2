"""How a recording is read and prepared is one thing: for Python, for study files, and for every command."""

from dataclasses import fields

import numpy as np
import pytest

from normenc.cli.options import OPTIONS
from normenc.recordings import Preparation
from normenc.study.sections import RecordingSettings

RNG = np.random.default_rng(0)
IN_PYTHON_ALONE = {"source"}  # in a study file that is the recording itself
NOT_OPTIONS = {"source", "citation", "licence", "simulated"}  # of the command line: a study file says them


def test_study_files_and_commands_know_every_option():
    known = {field.name for field in fields(Preparation)}
    of_recordings = set(RecordingSettings.model_fields) - {"source", "n_neurons", "seed"}
    assert of_recordings == known - IN_PYTHON_ALONE
    assert {option.field for option in OPTIONS} == known - NOT_OPTIONS


@pytest.fixture
def mine(normenc, tmp_path):
    orientation = np.repeat(np.arange(0, 180, 15.0), 4)
    responses = RNG.poisson(3 + 2 * np.cos(np.radians(2 * (orientation[:, None] - RNG.uniform(0, 180, 20)))))
    np.savez(tmp_path / "mine.npz", responses=responses, orientation=orientation)
    return "mine.npz"


WRONG = [
    (("--map", "responses=F"), "there is no array 'F' (for responses)"),
    (("--axes", "voxel,trial"), "there is no axis 'voxel'"),
    (("--times", "1"), "--times 1: it must be the seconds of the first and of the last sample"),
    (("--window", "0,1"), "are for responses with an axis of time; these are 48 trials x 20 neurons"),
    (("--baseline", "1,0"), "baseline is '1,0'; it must be two times in seconds"),
    (("--intervals", "trials"), "intervals applies to NWB files"),
    (("--series", "dff"), "series applies to NWB files"),
    (("--where", "contrast=1"), "there is no column 'contrast' besides the stimuli"),
    (("--blank", "77"), "no trial has the stimulus 77"),
    (("--images", "nowhere"), "there is no such folder; give a folder of images"),
    (("--angles", "turns"), "angles"),
    (("--rdm-metric", "euclidean"), "rdm_metric describes a given RDM"),
    (("--missing", "some"), "missing"),
    (("--region", "V1"), "the neurons have no label 'region'"),
    (("--quality", "good"), "the neurons have no label 'quality'"),
    (("--responsive",), "there are no trials without a stimulus"),
    (("--fold",), "only directions can be folded"),
    (("--bin-width", "179"), "bin_width is 179"),
]


@pytest.mark.parametrize("command", [("check",), ("run", "--recording"), ("power", "--recording")], ids=" ".join)
@pytest.mark.parametrize(("options", "message"), WRONG, ids=[options[0] for options, _ in WRONG])
def test_every_command_heeds_every_option(normenc, mine, command, options, message):
    code, _, err = normenc(*command, mine, *options)
    assert code == 2
    assert message in err
    assert len(err.splitlines()) == 1


def test_those_that_are_never_wrong_are_tried_too():
    tried = {options[0] for options, _ in WRONG}
    assert {option.flag for option in OPTIONS} - tried == {"--species", "--area", "--units", "--z-score"}


def test_facts_that_are_given_are_told(normenc, mine):
    code, out, _ = normenc("check", mine, "--species", "mouse", "--area", "V1", "--units", "spikes", "--z-score")
    assert code == 0
    assert "species mouse, area V1" in out
    assert "(stated: spikes)" in out  # the values that are shown are those of the file
    assert "z-scored each neuron over stimuli" in " ".join(out.split())
