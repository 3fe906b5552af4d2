import html
import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from scipy.stats import norm

from normenc import recordings, report, representations, rsa, stimuli
from normenc import study as studies
from normenc.cli import summaries
from normenc.csv_tables import read_table
from normenc.errors import InputError
from normenc.recordings import Preparation
from normenc.report.answering import answer_of
from normenc.report.designed import whether_to_change
from normenc.report.proposed import SEARCHES, Remedy
from normenc.rsa.design import Chosen
from normenc.rsa.unequal_neurons import NeuronShares
from normenc.runs import Run
from normenc.study import Study, design, load_study, prepare, represent
from normenc.study.design_files import presentation_order
from normenc.study.pool_images import read_pool
from normenc.study.sections import DesignSettings
from normenc.study.synthesising import natural_again, synthesise
from promised_json import as_printed, promised

STUDY = """
[recording]
source = "few.npz"
[[task]]
name = "tilt-discrimination"
n_train = 100
n_test = 50
[training]
n_epochs = 1
n_untrained = 2
[comparison]
controls = ["Fourier amplitude", "pixels", "orientation model"]
other_measures = ["linear-cka"]  # compares responses
n_samples = 50
[design]
pool_size = 60
n = 10
trials = 3
resolution = 0.2
n_simulations = 20
n_random = 2
"""


N, NOISE, TRIALS = 60, 1.5, 3
ANGLE = np.radians(2 * np.arange(0, 180, 15))
TUNED = rsa.rdm(np.exp(2 * np.cos(ANGLE[:, None] - np.linspace(0, 2 * np.pi, 90, endpoint=False))))
FEW = np.exp(2 * norm.ppf((np.arange(N) + 0.5) / N))  # log-normal variances: as 7 equal neurons with signal
FEW /= FEW.mean()


def trials_of(truth, noise, rng):
    """Trials (n_trials, n_stimuli, n_neurons) of neurons of which few carry most of the signal."""
    signal = np.sqrt(FEW) * rsa.simulate_responses(truth, N, 0.0, rng)[0]
    return signal + noise * rng.standard_normal((TRIALS, *signal.shape[1:]))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    path = tmp_path_factory.mktemp("study") / "small.toml"
    path.write_text(STUDY)
    responses = trials_of(TUNED, NOISE, np.random.default_rng(0)).reshape(-1, N)
    np.savez(path.with_name("few.npz"), responses=responses, orientation=np.tile(np.arange(12) * 15.0, TRIALS))
    return load_study(path)


@pytest.fixture(scope="module")
def made(study, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "design"
    return design(study, out, progress=False, page=report.write_design)


def test_the_folder_holds_what_was_chosen(made, study):
    table = pd.read_csv(made.folder / "stimuli.csv")
    stack = np.load(made.folder / "stimuli.npy")
    assert table["image"].tolist() == sorted(table["image"]) == made.stimuli["image"].tolist()
    assert sorted(path.name for path in (made.folder / "stimuli").iterdir()) == table["image"].tolist()
    for name, image in zip(table["image"], stack, strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(made.folder / "stimuli" / name)), image)
    pool = read_pool(study.design)
    places = [pool.names.index(source) for source in table["source"]]
    np.testing.assert_array_equal(stack, pool.images[places])
    np.testing.assert_allclose(table["orientation"], pool.parameters["orientation"].to_numpy()[places], rtol=1e-6)
    rates = pd.read_csv(made.folder / "predicted.csv")
    assert set(rates["stimuli"]) == {"chosen", "random", "own stimuli"}
    assert rates["rate"].between(0, 1).all() and (rates["low"] <= rates["rate"]).all()
    assert (rates["rate"] <= rates["high"]).all()
    names = set(made.discriminability)
    pairs = read_table(made.folder / "predicted_pairs.csv")
    assert len(pairs) == len(rates) * len(names) ** 2 and set(pairs["encoder"]) == set(pairs["other"]) == names
    keys = ["stimuli", "draw", "n_stimuli", "trials"]
    named = pairs[pairs["encoder"] == pairs["other"]].groupby(keys, dropna=False, sort=False)["share"].mean()
    assert named.to_numpy() == pytest.approx(rates["rate"].to_numpy())
    assert pairs.groupby([*keys, "encoder"], dropna=False)["share"].sum().to_numpy() == pytest.approx(1)
    assert {"pool", "fc", "pool, untrained", "pixels", "Fourier amplitude", "orientation model"} <= names
    assert load_study(made.folder / "study.toml").design == study.design
    printed = as_printed(summaries.of_design(made))
    assert set(printed) == promised("design")
    assert [row["rate"] for row in printed["rates"]] == pytest.approx(rates["rate"].tolist())


@pytest.fixture(scope="module")
def run(study, tmp_path_factory):
    folder = tmp_path_factory.mktemp("of_run") / "mine"
    quick = study.with_changes(stages=["represent", "compare"]).model_dump() | {"identify": {"n_simulations": 20}}
    quick["comparison"] |= {"other_measures": [], "n_permutations": 19}
    return Run.open(studies.run(type(study).model_validate(quick), folder, progress=False).folder)


PAIR = "Fourier amplitude", "orientation model"


def test_a_run_says_what_the_design_beside_it_proposes(made, run, normenc):
    path, beside = run.folder / "identification.csv", run.folder.with_name("mine-design")
    table = read_table(path)
    sure = table.assign(share=(table["encoder"] == table["other"]).astype(float))
    sure.to_csv(path, index=False)
    code, out, err = normenc("report", run.folder, "--design", made.folder)
    assert code == 0 and "the answer does not use this design" in err
    assert all(" ".join(sentence.split()) in " ".join(out.split()) for sentence in answer_of(Run.open(run.folder)))
    first = Run.open(run.folder).similarity.sort_values("similarity")["encoder"].iloc[-1]
    other = next(name for name in made.discriminability if name != first)
    unsure = sure["share"].where(sure["encoder"] != first, sure["other"].isin([first, other]) / 2)
    sure.assign(share=unsure).to_csv(path, index=False)
    said = Remedy(run, made.folder)(first, other)
    assert f"would be named {100 * share_of(made, first):.0f} times" in said
    (before,) = (one for one in answer_of(Run.open(run.folder)) if "normenc design" in one)
    assert f"; {SEARCHES}" in before
    printed = json.loads(normenc("report", run.folder, "--design", made.folder, "--json")[1])
    assert set(printed) == promised("run") - {"failures"} and before.replace(SEARCHES, said) in printed["answer"]
    page = re.sub("</?code>", "`", (run.folder / "report.html").read_text(encoding="utf-8"))
    assert before.replace(SEARCHES, said) in html.unescape(page)
    shutil.copytree(made.folder, beside)
    assert before.replace(SEARCHES, said) in answer_of(Run.open(run.folder))
    shutil.rmtree(beside)
    table.to_csv(path, index=False)


def share_of(made, truth):
    """Of its recordings with the chosen stimuli that name it."""
    own = made.pairs.query("stimuli == 'chosen' and trials == 3 and encoder == @truth and other == @truth")
    return own["share"].iloc[0]


PROPOSES, CHOSE = "`normenc design` proposes 10 stimuli", "the 10 stimuli that `normenc design` chose would"


@pytest.mark.parametrize(
    ("rate", "own", "verdict", "against"),
    [
        (0.95, (0.6, 0.8), f"{PROPOSES} that would", ", against 70 and 30 times with {these}"),
        (0.85, (0.6, 0.7), f"{PROPOSES} that would tell more", ", against 65 and 35 times with {these}"),
        (0.75, (0.6, 0.8), f"{CHOSE} not surely tell more", ", against 70 and 30 times with {these}"),
        ((0.75, 0.02), (0.6, 0.8), f"{PROPOSES} that would tell more", ", against 70 and 30 times with {these}"),
        ((0.65, 0.02), (0.6, 0.8), f"{CHOSE} tell no more", ", against 70 and 30 times with {these}"),
        (0.60, (0.6, 0.8), f"{CHOSE} tell no more", ", against 70 and 30 times with {these}"),
        (0.98, (0.9, 0.96), f"{CHOSE}, {{given}}, and so would {{these}}", ", against 93 and 7 times"),
        (0.95, (), f"{PROPOSES} that would", ""),
        (0.80, (), PROPOSES, ""),
    ],
)
def test_a_design_speaks_of_the_pair(made, run, tmp_path, rate, own, verdict, against):
    # 30 presentations are 2.5 of each of the recording's 12 stimuli, half-way from 1 to 6.25 on a logarithm. By
    # Newcombe's interval, of 100 simulations, 0.85 is surely more than 0.65, and 0.75 not surely more than 0.70.
    rate, taken = rate if isinstance(rate, tuple) else (rate, 1 - rate)
    folder = tmp_path / "design"
    shutil.copytree(made.folder, folder)
    rows = [("chosen", 10, 3, rate, taken)]
    rows += [("own stimuli", 12, n, share, 1 - share) for n, share in zip((1, 6.25), own, strict=False)]
    table = made.pairs.query("stimuli == 'chosen' and trials == 3")
    is_pair = (table["encoder"] == PAIR[0]) & table["other"].isin(PAIR)
    parts = []
    for stimuli_name, n_stimuli, trials, share, of_rival in rows:
        shares = np.where(table["other"] == PAIR[0], share, of_rival)
        changed = {"stimuli": stimuli_name, "n_stimuli": n_stimuli, "trials": trials, "n_simulations": 100}
        parts.append(table.assign(**changed, share=table["share"].where(~is_pair, shares)))
    pd.concat(parts).to_csv(folder / "predicted_pairs.csv", index=False)
    named = f"{PAIR[0]} would be named {100 * rate:.0f} times in 100 and {PAIR[1]} {100 * taken:.0f} times"
    said = f"{verdict}: {'' if '{given}' in verdict else '{given}, '}{named}{against}"
    words = {"given": "with 3 trials of each", "these": "as many presentations of these gratings"}
    assert Remedy(run, folder)(*PAIR) == said.format(**words)


@pytest.mark.parametrize(
    ("old", "new", "file", "says"),
    [
        ('method = "pearson"', 'method = "cosine"', "study.toml", "this design has another measure than the run"),
        ('    "pixels",\n', "", "study.toml", "this design has other controls than the run"),
        ("n_epochs = 1\n", "n_epochs = 2\n", "study.toml", r"has another section \[training\] than the run"),
        ('"sha256": "', '"sha256": "0', "design.json", "this design has another recording than the run"),
        ('"n_neurons": ', '"neurons": ', "design.json", "this design is damaged"),
        ("share", "shares", "predicted_pairs.csv", "this design is damaged"),
        ("pixels", "pixel", "predicted_pairs.csv", "this design is damaged .*has other candidates than design.json"),
        ('"same": {', '"same": {"V1": "pixels"', "design.json", "other candidates than the run .*: it adds V1. Choose"),
        ("predicted_pairs.csv", "pairs.csv", ".normenc-run.json", "does not tell what candidates would be taken for"),
        ('"kind": "design"', '"kind": "power"', ".normenc-run.json", "is not the folder of a design"),
    ],
)
def test_a_design_of_something_else_is_not_taken(made, run, tmp_path, old, new, file, says):
    other = run.folder.with_name("mine-design")
    shutil.copytree(made.folder, other)
    text = (other / file).read_text(encoding="utf-8")
    assert old in text
    (other / file).write_text(text.replace(old, new), encoding="utf-8")
    try:
        with pytest.raises(InputError, match=says):
            Remedy(run, other)
        assert Remedy(run)(*PAIR) == SEARCHES
    finally:
        shutil.rmtree(other)


@pytest.mark.parametrize(
    ("old", "new", "file", "says"),
    [
        (",fc,pool,.*", ",fc,pool,", "predicted_pairs.csv", r"share must lie between 0 and 1, and is nan in line 9 of"),
        (
            ",fc,pool,.*",
            ",fc,pool,7.5",
            "predicted_pairs.csv",
            r"share must .* and is 7\.5 in line 9 of predicted_pairs",
        ),
        (",fc,pool,.*", ",fc,pool,-0.1", "predicted_pairs.csv", r"share must .*, and is -0\.1 in line 9"),
        (",fc,pool,.*", ",fc,pool,often", "predicted_pairs.csv", "share must .*, and is often in line 9"),
        ("share", "shares", "predicted_pairs.csv", "share is missing"),
        (",pearson,20,", ",pearson,20.5,", "predicted_pairs.csv", "n_simulations must be a whole number .* is 20.5 in"),
        ("chosen,,10,3,.*,fc,pool,.*\n", "", "predicted_pairs.csv", "one row of fc taken for pool, chosen, 3 .* has 0"),
        ("own stimuli,,12,6,.*,fc,fc,.*\n", "", "predicted_pairs.csv", "of fc taken for fc, own stimuli, 6 .* has 0"),
        ("(chosen.*,fc,pool,.*\n)", r"\1\1", "predicted_pairs.csv", "one row of fc taken for pool, chosen, 1 .* has 2"),
        (",pearson,20,", ",pearson,0,", "predicted_pairs.csv", "n_simulations must .* at least 1, and is 0 in line 2"),
        ("chosen,,10,1,", "chosen,,11,1,", "predicted_pairs.csv", "n_stimuli differs among rows of the chosen"),
        ("\ntrials = 3\n", "\ntrials = 5\n", "study.toml", "one row of .*, chosen, 5 trials, and has 0"),
        (
            "\ntrials = 3\n",
            "\ntrials = 0\n",
            "study.toml",
            r"design\.trials in study.toml must be a whole .*, and is 0",
        ),
        ('"same": {}', '"same": []', "design.json", r"same in design.json must give a candidate .*, and is \[\]"),
        ('"same": {}', '"same": {"V1": ["fc"]}', "design.json", "same in design.json must give a candidate"),
        ('"n_neurons": 60', '"n_neurons": -3', "design.json", "n_neurons in design.json must be a whole .* is -3"),
    ],
)
def test_a_damaged_design_is_not_taken(made, run, old, new, file, says):
    other = shutil.copytree(made.folder, run.folder.with_name("mine-design"))
    text = (other / file).read_text(encoding="utf-8")
    (other / file).write_text(re.sub(old, new, text), encoding="utf-8")
    assert re.search(old, text)
    try:
        with pytest.raises(InputError, match=rf"this design is damaged \(.*{says}.*\); run normenc design again"):
            Remedy(run, other)
        assert Remedy(run)(*PAIR) == SEARCHES
    finally:
        shutil.rmtree(other)


def test_a_design_that_lacks_a_candidate_or_a_run_that_knows_none_is_not_compared(made, run, tmp_path):
    folder, lacking = tmp_path / "design", PAIR[1]
    shutil.copytree(made.folder, folder)
    pairs = made.pairs[(made.pairs["encoder"] != lacking) & (made.pairs["other"] != lacking)]
    pairs.to_csv(folder / "predicted_pairs.csv", index=False)
    facts = json.loads((folder / "design.json").read_text(encoding="utf-8"))
    facts["candidates"].remove(lacking)
    (folder / "design.json").write_text(json.dumps(facts | {"left_out": {lacking: "it is given orientations"}}))
    with pytest.raises(
        InputError, match=r"other candidates .*: it lacks orientation model \(it is given orientations\)"
    ):
        Remedy(run, folder)
    (folder / "design.json").write_text(json.dumps(facts | {"same": {lacking: PAIR[0]}}))
    assert Remedy(run, folder)(*PAIR) == (
        "nor can any stimuli in the pool of `normenc design` tell Fourier amplitude from orientation model"
    )
    aside = (run.folder / "identification.csv").rename(tmp_path / "aside.csv")
    try:
        with pytest.raises(InputError, match=r"does not tell which encoders .*\[identify\] enabled"):
            Remedy(Run.open(run.folder), folder)
    finally:
        aside.rename(run.folder / "identification.csv")


def test_the_page_stands_alone_and_shows_every_image(made):
    page = (made.folder / "index.html").read_text(encoding="utf-8")
    assert page.count("<li><img") == 10
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    truth, rival = made.stimuli.loc[0, ["truth", "rival"]]
    assert f"tells {truth} from {rival}" in page
    own = made.predicted.query("stimuli == 'own stimuli'")
    at_presentations = np.interp(np.log(30 / own["n_stimuli"].iloc[0]), np.log(own["trials"]), own["rate"])
    assert f"your own stimuli would have named it {100 * at_presentations:.0f} times" in page or (
        f"they would have named it {100 * at_presentations:.0f} times" in page or "more than these 30" in page
    )
    at = made.predicted.query("trials == 3 and stimuli == 'chosen'")["rate"].iloc[0]
    assert f"would have named it {100 * at:.0f} times in 100" in page


def test_predicted_rates_are_those_of_recordings_whose_signal_few_neurons_carry(made, study):
    rng, n, right = np.random.default_rng(1), 40, []
    every = represent(prepare(study), progress=False).representations
    models = {label: np.stack([own.rdm for own in every if own.label == label]) for label in made.discriminability}
    for truth, rdms in models.items():
        own = rdms.mean(axis=0)
        noise = NOISE * np.sqrt(own.mean() / TUNED.mean())  # in the recording, it stands so to the signal over stimuli
        drawn = np.stack([rsa.rdm(trials_of(own, noise, rng).mean(axis=0)) for _ in range(n)])
        similarity = {name: rsa.compare_rdms(drawn, model).mean(axis=1) for name, model in models.items()}
        right += [max(similarity, key=lambda name: similarity[name][k]) == truth for k in range(n)]
    own_stimuli = made.predicted.query(f"stimuli == 'own stimuli' and trials == {TRIALS}")["rate"].iloc[0]
    assert own_stimuli == pytest.approx(np.mean(right), abs=0.1)
    assert made.noise_from == "its repeated trials"
    page = (made.folder / "index.html").read_text(encoding="utf-8")
    assert "how unequal neurons and stimuli are, was taken from the recording: its repeated trials." in page


def test_a_recording_of_the_images_loads_back_by_name(made, study, tmp_path):
    # Neurons that read a hidden code of each image, in the order of presentation; blanks evoke nothing.
    shown = made.order
    codes = dict(zip(made.stimuli["image"], np.random.default_rng(0).normal(size=(10, 30)), strict=True))
    signal = np.stack([codes.get(name, np.zeros(30)) for name in shown["image"]])
    np.savez(
        tmp_path / "mine.npz",
        responses=signal,
        image=shown["image"].to_numpy(dtype=str),
        species="mouse",
        area="V1",
        units="dF/F",
    )
    loaded = recordings.load(tmp_path / "mine.npz", preparation=Preparation(images=str(made.folder / "stimuli")))
    assert loaded.stimulus.tolist() == made.stimuli["image"].tolist()
    np.testing.assert_array_equal(np.asarray(loaded.images), made.images)
    np.testing.assert_allclose(loaded.responses, np.stack([codes[name] for name in loaded.stimulus]))
    assert loaded.n_repeats == (3, 3)
    assert loaded.blanks.shape[0] == (shown["image"] == "").sum() > 0
    # Models see of the loaded images what they saw when these were chosen.
    again = prepare(
        load_study(made.folder / "study.toml"),
        recording=tmp_path / "mine.npz",
        preparation=Preparation(images=str(made.folder / "stimuli")),
    )
    pixels = next(one for one in represent(again, progress=False).representations if one.label == "pixels")
    chosen = stimuli.ImageSet.of(made.images)
    expected = representations.represent(_pixels, chosen.at_most(128).all())
    np.testing.assert_allclose(pixels.rdm, rsa.rdm(expected["pixels"]), atol=1e-6)


def _pixels(images):
    return {"pixels": images.flatten(1)}


def test_the_order_of_presentation_has_each_stimulus_once_a_block():
    names = [f"{place}.png" for place in range(7)]
    order = presentation_order(names, pd.DataFrame({"size": range(7)}), trials=20, blanks=0.3, seed=0)
    assert len(order) == 20 * (7 + 3)
    for _, block in order.groupby("block"):
        assert sorted(block.loc[block["image"] != "", "image"]) == names
    seen = order.loc[order["image"] != "", "image"].to_numpy()
    assert (seen[1:] != seen[:-1]).all()  # from block to block too
    blank = (order["image"] == "").to_numpy()
    assert not (blank[1:] & blank[:-1]).any()
    assert (order.loc[~blank, "size"].astype(int).astype(str) + ".png" == order.loc[~blank, "image"]).all()
    assert order.loc[blank, "size"].isna().all()


def test_no_folder_is_overwritten(made, study):
    with pytest.raises(InputError, match="this folder is not empty"):
        design(study, made.folder, progress=False)


def test_copies_and_images_of_one_grey_are_left_out_by_name(tmp_path):
    rng = np.random.default_rng(0)
    for place in range(6):
        Image.fromarray(rng.integers(0, 256, size=(20, 30), dtype=np.uint8)).save(tmp_path / f"{place}.png")
    Image.open(tmp_path / "0.png").save(tmp_path / "copy.png")
    Image.fromarray(np.full((20, 30), 9, dtype=np.uint8)).save(tmp_path / "grey.png")
    pool = read_pool(DesignSettings(pool=[str(tmp_path)], n=5))
    assert pool.names == tuple(f"{place}.png" for place in range(6))
    assert pool.left_out == {
        "copy.png": "it is the same image as 0.png",
        "grey.png": "all its pixels are the same",
    }
    with pytest.raises(InputError, match="7 stimuli are to be chosen, but the pool has 6 that differ"):
        read_pool(DesignSettings(pool=[str(tmp_path)], n=7))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pool": ["gratings", "mine"]}, "images of your own cannot be mixed"),
        ({"pool": ["nowhere"]}, "there is no such folder or file of images"),
        ({"pool": ["one", "two"]}, "give one folder or array of images"),
    ],
)
def test_pools_that_cannot_be_read_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        read_pool(DesignSettings(**settings))


def test_a_recording_without_neurons_needs_their_number_and_noise(tmp_path):
    np.savez(
        tmp_path / "rdm.npz",
        rdm=rsa.rdm(np.random.default_rng(0).normal(size=(12, 20))),
        orientation=np.arange(0, 180, 15.0),
    )
    with pytest.raises(InputError, match=r"known only by its RDM.*State design\.noise and design\.n_neurons"):
        design(Study(), tmp_path / "out", recording=tmp_path / "rdm.npz", progress=False)


def test_images_stay_natural():
    start = torch.rand(3, 16, 20, dtype=torch.float64) * 0.3 + 0.35
    amplitudes = torch.fft.fft2(start).abs()
    changed = natural_again((start + 0.05 * torch.randn_like(start)).clamp(0, 1), amplitudes)
    assert float(changed.min()) >= 0 and float(changed.max()) <= 1
    torch.testing.assert_close(torch.fft.fft2(changed).abs(), amplitudes, atol=1e-6, rtol=1e-3)
    torch.testing.assert_close(changed.mean((1, 2)), start.mean((1, 2)))
    torch.testing.assert_close(changed.std((1, 2)), start.std((1, 2)))


def test_the_command_synthesises_images_of_which_simulated_recordings_name_the_truth_more_often(
    study, normenc, tmp_path
):
    settings = study.with_design(n_simulations=100)
    study = settings.model_copy(update={"comparison": settings.comparison.model_copy(update={"controls": ["pixels"]})})
    (tmp_path / "small.toml").write_text(study.to_toml())
    options = ("--pool", "plaids,gratings", "--n", "6", "--trials", "2", "--synthesise", "--out", "out")
    code, out, err = normenc("design", "small.toml", *options)
    assert code == 0, err
    used = load_study(tmp_path / "out" / "study.toml").design
    assert (used.pool, used.n, used.trials, used.synthesise) == (["plaids", "gratings"], 6, 2, True)
    order, table = (pd.read_csv(tmp_path / "out" / name) for name in ("design.csv", "stimuli.csv"))
    assert order["image"].value_counts().to_dict() == dict.fromkeys(table["image"], 2)  # blanks are missing values
    rates = pd.read_csv(tmp_path / "out" / "predicted.csv").groupby(["stimuli", "trials"])["rate"].mean()
    assert rates["synthesised", 2] > rates["chosen", 2]
    assert f"{rates['synthesised', 2]:.2f} (12)" in out
    assert "start_orientation" in table and set(table["start_kind"]) <= {"plaids", "gratings"}
    start, made = read_pool(used), np.load(tmp_path / "out" / "stimuli.npy").astype(float)
    before = start.images[[start.names.index(name) for name in table["source"]]].astype(float)
    assert (made != before).any()
    spectra = [np.abs(np.fft.fft2(images)) for images in (before, made)]
    assert np.linalg.norm(spectra[0] - spectra[1]) < 0.05 * np.linalg.norm(spectra[0])
    assert "left out: synthesised" not in out


def test_images_that_no_change_improves_stay_as_they_are():
    images = np.random.default_rng(0).integers(0, 256, size=(6, 8, 10), dtype=np.uint8)
    layers = {"one": lambda shown: shown.flatten(1), "two": lambda shown: shown.flatten(1).square()}
    same = synthesise(
        images,
        layers,
        dict.fromkeys(layers, 0.3),
        lambda tried: 0.0,
        noise=dict.fromkeys(layers, 1.0),
        neurons=[NeuronShares.of(21)] * 2,
        shares=np.full((2, 2), 0.7),
        step=lambda: None,
    )
    assert same.images is images and same.before == same.after


def test_no_card_says_that_a_pair_is_told_apart_which_nothing_tells(made):
    never = made.discriminability.copy()
    truth, rival = made.stimuli.loc[0, ["truth", "rival"]]
    never.loc[truth, rival] = -0.3
    page = report.write_design(replace(made, discriminability=never), made.folder).read_text(encoding="utf-8")
    assert f"tells {truth} from {rival}" not in page.split("<ul")[1]
    whole = pd.DataFrame([[np.nan, 3.0], [-1.0, np.nan]], index=["a", "b"], columns=["a", "b"])
    without = np.array([[[np.nan, 2.9], [-9.0, np.nan]]])
    assert Chosen(np.arange(1), whole, without).separates == [("a", "b")]
    assert Chosen(np.arange(1), whole - 4, without - 4).separates == [("", "")]


def test_your_own_stimuli_are_kept_where_they_tell_more_in_as_many_presentations():
    rows = [
        (name, n, trials, rate, rate - 0.02, rate + 0.02)
        for name, n, rates in (("chosen", 40, [0.5, 0.8, 0.99]), ("own stimuli", 20, [0.7, 0.9, 0.95]))
        for trials, rate in zip((1, 4, 16), rates, strict=True)
    ]
    predicted = pd.DataFrame(rows, columns=["stimuli", "n_stimuli", "trials", "rate", "low", "high"])
    said = whether_to_change(
        predicted, "chosen", 4
    )  # 160 presentations are 8 of each of one's own: half-way of 4 and 16
    assert said.startswith("Keep your own stimuli") and "160, which is 8 trials" in said and "92 times" in said
    said = whether_to_change(predicted, "chosen", 16)
    assert "95 times: the chosen ones tell more." in said
    assert "With 160 presentations or fewer your own tell more (92 times in 100 against 80 at 160)" in said
