import numpy as np
import pytest

from normenc.errors import InputError
from normenc.rsa import FACTORS, infer, partition, rdm
from normenc.rsa.inference import infer_in_scopes

FAST = {"n_samples": 60, "n_permutations": 39}
ANGLE = np.deg2rad(np.arange(0, 360, 6))


def tuned(width, n=40, seed=0, noise=0.0):
    """Responses of a population that is tuned to directions, (60, n)."""
    rng = np.random.default_rng(seed)
    curves = np.exp(width * (np.cos(ANGLE[:, None] - rng.uniform(0, 2 * np.pi, n)) - 1))
    return curves + noise * rng.standard_normal(curves.shape)


MODELS = {
    "narrow": rdm(tuned(4, seed=1)),
    "wide": rdm(tuned(1, seed=2)),
    "seeds": [rdm(tuned(2, seed=k)) for k in (3, 4)],
}
RESPONSES = tuned(3, noise=0.1)
IMAGES = {name: rdm(np.random.default_rng(k).normal(size=(12, 5))) for k, name in enumerate("ab")}
SEEN = np.random.default_rng(9).normal(size=(12, 30))


@pytest.mark.parametrize(
    ("models", "given", "factors", "fixed", "other"),
    [
        (MODELS, {"responses": RESPONSES, "ordered": True}, ("neurons", "seeds"), ("stimuli",), ("stimuli",)),
        (MODELS, {"responses": RESPONSES}, ("stimuli", "neurons", "seeds"), (), ()),  # not known to be in order
        (IMAGES, {"responses": SEEN}, ("stimuli", "neurons"), (), ()),
        (IMAGES, {"data": rdm(SEEN)}, ("stimuli",), (), None),  # nothing else could be resampled
        (MODELS, {"data": rdm(RESPONSES), "ordered": True}, ("seeds",), ("stimuli",), ("stimuli",)),
        (
            MODELS,
            {"data": [rdm(tuned(3, seed=k, noise=0.2)) for k in range(3)], "ordered": True},
            ("animals", "seeds"),
            ("stimuli",),
            ("stimuli",),
        ),
    ],
)
def test_stimuli_are_fixed_where_they_tile_their_circle(models, given, factors, fixed, other):
    given = dict(given)
    found, beside = infer_in_scopes(models, given.pop("data", None), recorded=given, **FAST)
    assert (found.factors, found.generalises_to, found.fixed) == (factors, factors, fixed)
    assert found.notes[0].startswith("95 % confidence intervals generalise over " + factors[0])
    assert (beside is None) == (other is None)
    if other is not None:
        assert ("stimuli" in beside.factors) == (fixed == ("stimuli",))
        assert {*beside.factors} ^ {*found.factors} == {"stimuli"}


def test_both_scopes_from_the_same_bootstraps_are_those_of_each_alone():
    recorded = {"responses": RESPONSES, "ordered": True}
    found, other = infer_in_scopes(MODELS, None, recorded=recorded, **FAST)
    alone = infer(MODELS, **recorded, **FAST)
    stimuli = infer(MODELS, **recorded, generalise_to=["seeds", "stimuli", "neurons"], **FAST)
    for one, same in ((found, alone), (other, stimuli)):
        assert one.models.equals(same.models) and one.pairs.equals(same.pairs)
        np.testing.assert_array_equal(one.ceiling_intervals, same.ceiling_intervals)
    assert found.models["similarity"].equals(other.models["similarity"])
    assert (found.models["standard_error"] < other.models["standard_error"]).all()
    assert (found.block_length, stimuli.fixed) == (None, ())


def test_an_rdm_alone_has_no_factor_of_its_own():
    models = {name: MODELS[name] for name in ("narrow", "wide")}
    found = infer(models, rdm(RESPONSES), ordered=True, **FAST)
    assert (found.factors, found.generalises_to, found.fixed) == ((), (), ("stimuli",))
    assert found.why_no_intervals.startswith("stimuli are taken as all there are, and there are no neurons, trials")
    assert found.models[["low", "high", "standard_error", "dof", "p_ceiling"]].isna().all(axis=None)
    assert found.pairs[["low", "high", "p", "p_holm"]].isna().all(axis=None)
    assert found.models[["similarity", "p_permutations", "p_shifts"]].notna().all(axis=None)
    assert (found.models["why_unknown"] == found.why_no_intervals).all()
    # Seeds alone say nothing of a model that has only one.
    found = infer(MODELS, rdm(RESPONSES), ordered=True, **FAST).models.set_index("model")
    assert found["standard_error"].notna().tolist() == [False, False, True]
    assert found.loc["wide", "why_unknown"] == "of all that could be resampled (seeds), it depends on nothing"


def test_positions_with_a_gap_make_stimuli_random():
    kept = np.delete(np.arange(60), np.arange(10, 18))  # a gap of 54 degrees
    models = {name: MODELS[name][np.ix_(kept, kept)] for name in ("narrow", "wide")}
    found = infer(models, responses=RESPONSES[kept], ordered=True, positions=kept * 6.0, **FAST)
    assert found.factors == ("stimuli", "neurons")
    assert found.notes[1].startswith(
        "The stimuli are taken as a sample from more than there are, for they were not shown to tile their circle: the "
        "largest gap between neighbours is 15 % of the circle, and at most "
    )
    assert infer(models, responses=RESPONSES[kept], ordered=True, **FAST).factors == ("neurons",)
    with pytest.raises(InputError, match="positions are those of stimuli in order on a circle; also give ordered=True"):
        infer(models, responses=RESPONSES[kept], positions=kept * 6.0, **FAST)


def test_variance_is_divided_in_the_scope_of_the_inference():
    models = {"seeds": MODELS["seeds"]}
    options = {"responses": RESPONSES, "ordered": True, "n_samples": 30}
    controls = {name: MODELS[name] for name in ("narrow", "wide")}
    assert partition(models, controls, **options).factors == ("neurons", "seeds")
    assert partition(models, controls, generalise_to=["stimuli"], **options).factors == ("stimuli",)
    few = partition(models, controls, **options, most_stimuli=12)  # of which the gaps are larger
    assert few.factors == ("neurons", "seeds")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("stimuli", r"generalise_to is 'stimuli'; give a list of factors, such as \['stimuli'\]"),
        (["trials"], "generalise_to: 'trials' cannot be resampled; that needs repeats of one recording"),
        (["neurons", "mice"], "generalise_to: 'mice' is not one of " + ", ".join(FACTORS)),
    ],
)
def test_factors_that_cannot_be_resampled_are_refused(asked, message):
    with pytest.raises(InputError, match=message):
        infer(IMAGES, responses=SEEN, generalise_to=asked, **FAST)
