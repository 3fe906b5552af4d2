"""The recordings of a study are checked as the study reads, prepares and shows them."""

import json

import numpy as np
import pytest

from normenc import quality, rsa
from normenc.cli import main
from normenc.errors import InputError
from normenc.recordings import Recording, keep_reliable, load
from normenc.study import Study, check_recordings, load_study, prepare
from normenc.study.fitness import quality_of

RNG = np.random.default_rng(0)
N = 10  # whose numbers sort as texts do
IMAGES = RNG.integers(0, 256, (N, 80, 100, 3), dtype=np.uint8)
SIGNAL = RNG.normal(size=(N, 16))
RESPONSES = np.tile(2 * SIGNAL, (4, 1)) + RNG.normal(size=(4 * N, 16))
FIELD = '[stimuli]\nimages = "stack.npy"\nfield = [10, 5, 90, 65]\ndegrees = 30.0\n'


@pytest.fixture
def study(tmp_path):
    np.savez(tmp_path / "rec.npz", responses=RESPONSES, image=np.tile(np.arange(N), 4))
    np.save(tmp_path / "stack.npy", IMAGES)
    (tmp_path / "own.toml").write_text(f'[recording]\nsource = "rec.npz"\nreliability = 0.1\n{FIELD}')
    return tmp_path / "own.toml"


def test_models_see_the_field_and_neurons_are_chosen_as_in_the_study(study):
    (found,) = check_recordings(load_study(study))
    assert found.has_images and not any("images" in warning for warning in found.warnings)
    assert found.images_cut == (
        "60 x 80 pixels (the field [10, 5, 90, 65] in pixels of images of 80 x 100), in colour, 24 degrees of visual "
        "angle wide; for the smallest difference below, models see them in grey, at 48 x 64 pixels"
    )
    assert found.n_trials == 2 * N and any("reliability of at least 0.1" in note for note in found.notes)
    # The same with a recording whose images are what the field holds.
    cut = Recording.from_trials("rec", RESPONSES, image=np.tile(np.arange(N), 4), images=IMAGES[:, 5:65, 10:90])
    by_hand = quality.check(keep_reliable(cut, 0.1)).decidable
    assert found.decidable.standard_error == pytest.approx(by_hand.standard_error, rel=1e-6)
    whole = quality.check(study.parent / "rec.npz", images=study.parent / "stack.npy", reliability=0.1).decidable
    assert found.decidable.standard_error != pytest.approx(whole.standard_error, rel=1e-3)


def test_the_quality_that_a_run_reports_knows_the_images_of_the_study(study):
    prepared = prepare(load_study(study))
    inference = rsa.infer({"one": rsa.rdm(SIGNAL), "other": rsa.rdm(SIGNAL[:, :8])}, **prepared.inputs, n_samples=50)
    found, changed = quality_of(prepared, inference)
    assert changed == () and found.has_images
    assert found.images_cut.startswith("60 x 80 pixels") and "models see them" not in found.images_cut
    assert not any("images" in warning for warning in found.warnings)
    np.savez(study.parent / "rec.npz", responses=RESPONSES[::-1], image=np.tile(np.arange(N), 4))
    with pytest.warns(match="changed after the recording was read"):
        found, _ = quality_of(prepared, inference)
    assert found.has_images and found.images_cut.startswith("60 x 80 pixels")


@pytest.mark.parametrize(
    "asked",
    [{}, {"z_score": True}, {"missing": "neurons"}, {"fold_directions": True, "bin_width": 30.0}, {"blank": 350.0}],
    ids=lambda own: next(iter(own), "plain"),
)
def test_a_recording_in_memory_is_checked_as_its_file_is(asked, tmp_path):
    """Numbers and warnings are those of a check that reads the file anew, before and after preparation."""
    angles = np.tile(np.arange(0.0, 360, 10), 4)
    responses = np.cos(np.radians(angles[:, None] - np.arange(0, 360, 25))) + RNG.normal(size=(len(angles), 15))
    responses[:, 3] = responses[:, 4]
    if "missing" in asked:
        responses[7, 2] = np.nan
    np.savez(tmp_path / "rec.npz", responses=responses.astype(np.float32), direction=angles, units="spikes/s")
    section = {"source": str(tmp_path / "rec.npz"), **asked}
    prepared = prepare(Study(name="again", recording=section))
    n = prepared.recording.n_stimuli
    inference = rsa.infer({k: rsa.rdm(RNG.normal(size=(n, 9))) for k in "ab"}, **prepared.inputs, n_samples=20)
    found, changed = quality_of(prepared, inference)
    anew = quality.check(tmp_path / "rec.npz", compared=inference, preparation=prepared.study.recording[0].preparation)
    assert changed == () and found.raw.duplicated == 1 and found.units_looked_at == "spikes/s"
    assert found.to_dict() == anew.to_dict()


def test_where_a_check_examines_fewer_neurons_it_reads_them(study, monkeypatch):
    prepared = prepare(load_study(study))
    inference = rsa.infer({"one": rsa.rdm(SIGNAL), "other": rsa.rdm(SIGNAL[:, :8])}, **prepared.inputs, n_samples=20)
    monkeypatch.setattr("normenc.quality.reading.MOST_GIB", 4 * N * 8 * 9 / 2**30)
    found, _ = quality_of(prepared, inference)
    assert found.n_neurons <= 9 and any("examined 9 of 16 neurons" in note for note in found.notes)


def test_a_check_of_a_file_tells_what_its_images_look_like(tmp_path):
    images = np.concatenate([IMAGES[:1], IMAGES[:-1]])  # the first two are the same
    np.savez(tmp_path / "rec.npz", responses=RESPONSES, image=np.tile(np.arange(N), 4), images=images)
    cautions = load(tmp_path / "rec.npz").cautions
    assert cautions and all(f"{said}." in quality.check(tmp_path / "rec.npz").warnings for said in cautions)


def test_the_command_takes_a_study_file_with_one_or_several_recordings(study, capsys, monkeypatch):
    monkeypatch.chdir(study.parent)

    def check(*arguments):
        monkeypatch.setattr("sys.argv", ["normenc", "check", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
        return capsys.readouterr().out

    said = check("own.toml", "--z-score")
    assert "the field [10, 5, 90, 65] in pixels" in said and "z-scored each neuron" in said
    assert "next: normenc run own.toml --z-score" in said and "next: normenc power own.toml --z-score" in said
    assert json.loads(check("own.toml", "--json"))["n_stimuli"] == N
    both = '[[recording]]\nsource = "rec.npz"\n[[recording]]\nsource = "simulated-v1"\nn_neurons = 40\nseed = 3\n'
    (study.parent / "both.toml").write_text(both)
    assert [own["n_stimuli"] for own in json.loads(check("both.toml", "--json"))] == [N, 181]


def test_missing_images_are_told_and_wrong_settings_refused(study):
    study.write_text('[recording]\nsource = "rec.npz"\n')
    (found,) = check_recordings(load_study(study))
    missing = next(warning for warning in found.warnings if "missing" in warning)
    assert "images='FOLDER', or as images in the section [stimuli]" in missing
    study.write_text('[recording]\nsource = "rec.npz"\n' + FIELD.replace("[10, 5, 90, 65]", "[10, 5, 190, 65]"))
    with pytest.raises(InputError, match=r"field is \[10, 5, 190, 65\]; it must lie within images of 100 x 80"):
        check_recordings(load_study(study))
    with pytest.raises(InputError, match=r"stimuli.field: the stimuli of simulated-v1 .* drawn as gratings"):
        check_recordings(Study(name="g", stimuli={"field": [0, 0, 9, 9]}))
    with pytest.raises(InputError, match=r"this is a study file, .* give it to normenc run, check or power"):
        quality.check(study)
