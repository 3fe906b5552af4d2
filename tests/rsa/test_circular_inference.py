import numpy as np
import pytest

from normenc import rsa
from normenc.errors import InputError

ANGLES = np.arange(0, 360, 15.0)


def population(seed=0, n=60, cardinal=0.8, concentration=2.0, stimuli=ANGLES):
    """Responses of neurons of which more prefer 0 and 180 degrees; no noise."""
    rng = np.random.default_rng(seed)
    preferred = rng.uniform(0, 360, 20 * n)
    kept = rng.uniform(0, 2, 20 * n) < 1 + cardinal * np.cos(np.deg2rad(2 * preferred))
    between = np.deg2rad(np.asarray(stimuli)[:, None] - preferred[kept][:n])
    return np.exp(concentration * (np.cos(between) - 1))


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_each_part_is_compared_with_the_same_part(method):
    data, models = rsa.rdm(population(0)), {"one": rsa.rdm(population(1, 200)), "two": rsa.rdm(population(2, 20))}
    found = rsa.infer_circular_parts(models, data, method=method, n_samples=20)
    table = found.models.set_index(["model", "part"])
    own = rsa.circular_parts(data)
    for name, rdm in models.items():
        parts = rsa.circular_parts(rdm)
        assert table.loc[(name, "whole"), "similarity"] == pytest.approx(rsa.compare_rdms(rdm, data, method))
        for which in ("profile", "rest"):
            expected = rsa.compare_rdms(getattr(parts, which), getattr(own, which), method)
            assert table.loc[(name, which), "similarity"] == pytest.approx(expected)
        np.testing.assert_allclose(table.loc[name, "share"].iloc[1:], parts.parts["share"])
        np.testing.assert_allclose(table.loc[name, "share_of_data"].iloc[1:], own.parts["share"])
    assert table.loc["one", "share"].iloc[0] == pytest.approx(1)


def test_the_whole_of_linear_measures_follows_from_the_parts():
    # r = sum over parts of r_part sqrt(share of the model x share of the recording), as the parts are orthogonal.
    found = rsa.infer_circular_parts({"m": rsa.rdm(population(1))}, rsa.rdm(population(0)), n_samples=20).models
    parts = found.iloc[1:]
    whole = (parts["similarity"] * np.sqrt(parts["share"] * parts["share_of_data"])).sum()
    assert found["similarity"][0] == pytest.approx(whole, abs=1e-12)


def test_all_parts_have_the_factors_of_an_inference_and_reliability():
    responses = population(0, 200)
    models = {"m": [rsa.rdm(population(seed)) for seed in (1, 2)]}
    found = rsa.infer_circular_parts(models, responses=responses, n_samples=100)
    assert found.generalises_to == ("neurons", "seeds") and found.fixed == ("stimuli",)
    table = found.models.set_index("part")
    assert (table["low"] < table["similarity"]).all() and (table["similarity"] < table["high"]).all()
    assert table.loc["profile", "standard_error"] < table.loc["rest", "standard_error"]
    reliability = rsa.circular_parts(responses=responses).parts.set_index("part")["reliability"]
    for which in ("profile", "rest"):
        assert table.loc[which, "ceiling_lower"] == pytest.approx(reliability[which])
    of_whole = rsa.infer(models, responses=responses, ordered=True, n_samples=100)
    assert table.loc["whole", "high"] == of_whole.models["high"][0]
    assert np.isnan(table.loc["profile", "p_shifts"]) and table.loc["rest", "p_shifts"] <= 5 / 24


def test_stimuli_drawn_anew_have_parts_of_their_own():
    options = {"n_samples": 50, "generalise_to": ["stimuli"]}
    found = rsa.infer_circular_parts({"m": rsa.rdm(population(1))}, rsa.rdm(population(0)), **options)
    assert found.generalises_to == ("stimuli",)
    assert (found.models["standard_error"] > 0).all()
    animals = np.stack([rsa.rdm(population(seed)) for seed in (2, 3, 4)])
    several = rsa.infer_circular_parts({"m": rsa.rdm(population(1))}, animals, n_samples=20)
    assert several.ceiling == "animals" and several.models["ceiling_lower"].notna().all()


@pytest.mark.parametrize(("shift", "mirrored"), [(0, False), (45, False), (-60, False), (30, True), (0, True)])
@pytest.mark.parametrize("period", [360, 180])
def test_a_turned_or_mirrored_code_is_found(shift, mirrored, period):
    scale = period / 360
    # 30 neurons at random angles, so that no other alignment is as good.
    data = population(0, 30)
    turned = population(0, 30, stimuli=(shift - ANGLES) if mirrored else (ANGLES + shift))
    # What the model responds to an angle is what the recording responds to angle + shift, or to shift - angle.
    found = rsa.infer_circular_parts(
        {"turned": rsa.rdm(turned)}, rsa.rdm(data), positions=ANGLES * scale, period=period, n_samples=20
    )
    for part in ("whole", "rest"):
        row = found.models.set_index("part").loc[part]
        assert row["aligned"] == pytest.approx(1, abs=1e-9)
        assert (row["shift"], row["mirrored"]) == (pytest.approx(shift * scale), mirrored)
    profile = found.models.set_index("part").loc["profile"]
    assert profile["similarity"] == pytest.approx(1, abs=1e-9) and profile["aligned"] == profile["similarity"]
    row = found.models.iloc[0]
    assert row["aligned"] >= row["similarity"] - 1e-12


def test_orientations_from_end_to_end_of_their_circle_can_be_turned():
    stimuli = np.arange(-180, 181, 15.0)  # the first and the last are the same
    data, turned = (rsa.rdm(population(0, 30, stimuli=stimuli + shift)) for shift in (0, 60))
    found = rsa.infer_circular_parts({"t": turned}, data, positions=stimuli / 2, period=180, n_samples=20)
    row = found.models.set_index("part").loc["rest"]
    assert found.exact
    assert (row["aligned"], row["shift"]) == (pytest.approx(1, abs=1e-9), 30)


def test_uneven_stimuli_are_divided_but_not_turned():
    positions = np.sort(ANGLES + np.random.default_rng(0).uniform(-4, 4, len(ANGLES)))
    rdms = [rsa.rdm(population(seed, stimuli=positions)) for seed in (0, 1)]
    found = rsa.infer_circular_parts({"m": rdms[0]}, rdms[1], positions=positions, n_samples=20)
    assert not found.exact and found.models["similarity"].notna().all()
    assert found.models["aligned"].isna().all()
    assert "not evenly spaced" in found.notes[0] and "smooth function" in found.notes[1]


def test_what_has_no_rest_has_no_similarity_of_it():
    uniform = np.exp(np.cos(np.deg2rad(ANGLES[:, None] - ANGLES)))
    models = {"uniform": rsa.rdm(uniform), "other": rsa.rdm(population(1))}
    rest = rsa.infer_circular_parts(models, responses=population(0), n_samples=20).models.query("part == 'rest'")
    assert rest["why_unknown"].tolist() == ["its dissimilarities depend on the angle between stimuli alone", ""]
    assert rest["similarity"].isna().tolist() == [True, False]
    assert rest["share"].iloc[0] == pytest.approx(0, abs=1e-12)
    alone = rsa.infer_circular_parts({"other": models["other"]}, models["uniform"], n_samples=20).models
    assert alone["why_unknown"][2] == "the recording’s dissimilarities depend on the angle between stimuli alone"
    assert alone["similarity"][:2].notna().all() and np.isnan(alone["similarity"][2])


def test_models_keep_their_order_and_positions_theirs():
    models = {name: rsa.rdm(population(seed)) for seed, name in enumerate("zay", start=1)}
    found = rsa.infer_circular_parts(models, rsa.rdm(population(0)), n_samples=20, align=False)
    assert found.models["model"].tolist() == [*"zzzaaayyy"]
    assert found.models["aligned"].isna().all()
    with pytest.raises(InputError, match="positions must be ascending"):
        rsa.infer_circular_parts(models, rsa.rdm(population(0)), positions=ANGLES[::-1], n_samples=20)
