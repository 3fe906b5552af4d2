import numpy as np
import pytest

from normenc import rsa
from normenc.errors import InputError
from normenc.rsa.circle import PARTS, circle_of
from normenc.rsa.circular_measure import PartMeasure
from normenc.rsa.measures import as_measure
from normenc.rsa.pairs import pair_weights, upper


def von_mises(stimuli, preferred, concentration=2.0):
    """Tuning curves around the circle, degrees of 360: shape (n_stimuli, n_neurons)."""
    between = np.deg2rad(np.asarray(stimuli)[:, None] - np.asarray(preferred))
    return np.exp(concentration * (np.cos(between) - 1))


def uneven(n, seed=0):
    return np.sort(np.arange(n) * 360 / n + np.random.default_rng(seed).uniform(-0.3, 0.3, n) * 360 / n)


def test_shares_are_those_derived_by_hand():
    # Of 12 stimuli, cos 2a averages to 0 at each angle between stimuli, so that the profile is 1 - cos alone. Over 66
    # pairs the variance of cos is 30/66 - 1/121, and that of half the sum of two cosines 1/4 (1 - 1/11).
    angle = np.deg2rad(np.arange(0, 360, 30))
    cardinal = np.add.outer(np.cos(2 * angle), np.cos(2 * angle)) / 2 * (1 - np.eye(12))
    found = rsa.circular_parts(1 - np.cos(angle[:, None] - angle) + cardinal)
    profile, rest = 30 / 66 - 1 / 121, (1 - 1 / 11) / 4
    np.testing.assert_allclose(found.parts["share"], [profile / (profile + rest), rest / (profile + rest)], rtol=1e-12)
    np.testing.assert_allclose(found.profile, 1 - np.cos(angle[:, None] - angle), atol=1e-12)
    np.testing.assert_allclose(found.rest, cardinal, atol=1e-12)
    np.testing.assert_allclose(found.curve["dissimilarity"], 1 - np.cos(np.deg2rad(np.arange(30, 181, 30))))
    assert found.curve["angle"].tolist() == [30, 60, 90, 120, 150, 180]
    assert found.curve["n_pairs"].tolist() == [12, 12, 12, 12, 12, 6]


@pytest.mark.parametrize("n_stimuli", [8, 15, 36])
def test_neurons_that_prefer_all_angles_alike_leave_no_rest(n_stimuli):
    stimuli = np.arange(n_stimuli) * 360 / n_stimuli
    rdm = rsa.rdm(von_mises(stimuli, np.arange(0, 360, 1.0)), "euclidean")
    found = rsa.circular_parts(rdm)
    assert found.parts["share"].tolist() == [pytest.approx(1, abs=1e-12), pytest.approx(0, abs=1e-12)]
    assert not found.rest.any()  # what is left is rounding, and counts as nothing


def test_more_neurons_for_cardinal_angles_are_in_the_rest():
    stimuli = np.arange(0, 360, 10.0)
    shares = []
    for excess in (0, 0.3, 0.6, 0.9):
        preferred = np.arange(0, 360, 1.0)
        amount = 1 + excess * np.cos(np.deg2rad(2 * preferred))
        # Squared distances are sums over neurons: over preferred angles, weighted by how many prefer each.
        responses = von_mises(stimuli, preferred) * np.sqrt(amount)
        shares.append(rsa.circular_parts(rsa.rdm(responses, "euclidean")).parts["share"][1])
    # The rest grows in proportion to the excess, and its variance with the square of it.
    ratios = [share / (1 - share) for share in shares]
    np.testing.assert_allclose(ratios, np.square([0, 0.3, 0.6, 0.9]) * ratios[3] / 0.81, rtol=1e-9, atol=1e-20)
    assert shares[3] > 0.05


@pytest.mark.parametrize("positions", [None, uneven(20), np.r_[np.arange(0, 360, 20), 360.0]])
def test_parts_add_up_and_are_orthogonal(positions):
    n = 20 if positions is None else len(positions)
    rdm = rsa.rdm(np.random.default_rng(1).normal(size=(n, 5)))
    found = rsa.circular_parts(rdm, positions)
    np.testing.assert_allclose(found.profile + found.rest, rdm, atol=1e-12)
    assert found.parts["share"].sum() == pytest.approx(1, abs=1e-12)
    profile, rest = upper(found.profile), upper(found.rest)
    assert abs((profile * rest).sum()) < 1e-10
    np.testing.assert_allclose(found.parts["share"], [profile.var() / upper(rdm).var(), rest.var() / upper(rdm).var()])


def test_turning_and_mirroring_the_stimuli_keeps_the_profile_and_turns_the_rest():
    rdm = rsa.rdm(np.random.default_rng(2).normal(size=(24, 6)))
    found = rsa.circular_parts(rdm)
    for order in (np.roll(np.arange(24), 5), -np.arange(24) % 24):
        turned = rsa.circular_parts(rdm[np.ix_(order, order)])
        np.testing.assert_allclose(turned.profile, found.profile, atol=1e-12)
        np.testing.assert_allclose(turned.rest, found.rest[np.ix_(order, order)], atol=1e-12)


def test_orientations_and_directions_differ_in_their_period_alone():
    orientations = np.arange(-90, 90, 10.0)
    rdm = rsa.rdm(np.random.default_rng(3).normal(size=(18, 6)))
    folded = rsa.circular_parts(rdm, orientations, period=180)
    directions = rsa.circular_parts(rdm, 2 * orientations)
    np.testing.assert_array_equal(folded.rest, directions.rest)
    assert folded.curve["angle"].max() == 90
    # In another order, the same.
    order = np.random.default_rng(0).permutation(18)
    mixed = rsa.circular_parts(rdm[np.ix_(order, order)], orientations[order], period=180)
    np.testing.assert_allclose(mixed.rest, folded.rest[np.ix_(order, order)], atol=1e-12)


def test_uneven_stimuli_of_a_smooth_code_have_its_profile():
    positions = uneven(25)
    found = rsa.circular_parts(rsa.rdm(von_mises(positions, np.arange(0, 360, 1.0)), "euclidean"), positions)
    assert not found.exact
    assert found.parts["share"][1] < 1e-6


def test_angles_that_are_nearly_on_a_grid_give_nearly_its_parts():
    rdm = rsa.rdm(von_mises(np.arange(0, 360, 15), np.random.default_rng(0).uniform(0, 360, 40)))
    even = rsa.circular_parts(rdm)
    nearly = rsa.circular_parts(rdm, np.arange(0, 360, 15) + np.random.default_rng(1).uniform(-1e-3, 1e-3, 24))
    assert even.exact and not nearly.exact
    np.testing.assert_allclose(nearly.profile, even.profile, atol=1e-3)


def test_noise_is_in_the_rest_and_reliability_says_so():
    rng = np.random.default_rng(4)
    signal = von_mises(np.arange(0, 360, 10), np.arange(0, 360, 6))
    repeats = signal + 0.5 * rng.normal(size=(4, *signal.shape))
    found = rsa.circular_parts(None, repeats=repeats)
    assert found.reliability_from == "repeats"
    profile, rest = found.parts["reliability"]
    assert profile > 0.99 and abs(rest) < 0.2
    of_neurons = rsa.circular_parts(responses=repeats.mean(axis=0))
    assert of_neurons.reliability_from == "neurons"
    assert of_neurons.parts["reliability"][0] > 0.95
    assert np.isnan(rsa.circular_parts(rsa.rdm(signal)).parts["reliability"]).all()


@pytest.mark.parametrize("method", ["pearson", "spearman", "cosine", "kendall-tau-a", "whitened-correlation"])
@pytest.mark.parametrize("which", PARTS)
def test_a_measure_of_a_part_is_that_of_the_parts(method, which):
    rng = np.random.default_rng(5)
    one, other = (rsa.rdm(von_mises(np.arange(0, 360, 24), rng.uniform(0, 360, 9))) for _ in range(2))
    measure = PartMeasure.of(as_measure(method), circle_of(15, None), which)
    parts = [getattr(rsa.circular_parts(own), which) for own in (one, other)]
    found = rsa.compare_rdms(one, other, measure)
    assert found == pytest.approx(rsa.compare_rdms(*parts, method), abs=1e-12)
    orders = np.stack([np.arange(15), rng.permutation(15)])
    in_order = rsa.permuted_similarities([one], [other], orders, measure)
    again = other[np.ix_(orders[1], orders[1])]
    assert in_order[:, 0] == pytest.approx([found, rsa.compare_rdms(one, again, measure)], abs=1e-12)


@pytest.mark.parametrize("positions", [None, uneven(14)])
def test_in_a_sample_of_stimuli_parts_are_those_of_the_sample(positions):
    rng = np.random.default_rng(6)
    circle, vectors = circle_of(14, positions), upper(np.stack([rsa.rdm(rng.normal(size=(14, 5))) for _ in range(3)]))
    counts = rng.multinomial(14, np.full(14, 1 / 14), size=4)
    weights = pair_weights(counts).T
    profile = circle.part("profile", np.broadcast_to(vectors[:, None], (3, *weights.shape)), weights)
    # Weighted least squares on the same functions of the angle, by hand.
    functions = np.eye(circle.group.max() + 1)[circle.group] if circle.is_grid else circle.basis
    for sample, weight in enumerate(weights):
        there = weight > 0
        root = np.sqrt(weight[there])[:, None]
        found = np.linalg.lstsq(functions[there] * root, vectors[:, there].T * root, rcond=1e-8)[0]
        np.testing.assert_allclose(profile[:, sample, there], (functions[there] @ found).T, atol=1e-8)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"positions": [0, 1, 2]}, r"positions have shape \(3,\); they must be \(6,\)"),
        ({"positions": np.arange(6) * 10}, "gap between neighbours is 310 of 360 degrees"),
        ({"positions": np.arange(6) * 30, "period": 360}, "Check the period: 180 for orientations"),
        ({"positions": [0, 90, 180, 270, np.nan, 0]}, "finite numbers"),
        ({"period": 0}, "period is 0; it must be a positive number"),
    ],
)
def test_positions_that_are_no_circle_are_refused(given, message):
    rdm = rsa.rdm(np.random.default_rng(0).normal(size=(6, 5)))
    with pytest.raises(InputError, match=message):
        rsa.circular_parts(rdm, **given)


@pytest.mark.parametrize("positions", [None, [0, 120, 240]])
def test_three_stimuli_have_one_angle_and_no_profile(positions):
    rdm = rsa.rdm(np.random.default_rng(0).normal(size=(3, 5)))
    for divide in (rsa.circular_parts, lambda own, where: rsa.infer_circular_parts({"m": own}, own, positions=where)):
        with pytest.raises(InputError, match=r"there are 3 different positions.* need at least 4"):
            divide(rdm, positions)


def test_what_cannot_be_divided_is_refused():
    with pytest.raises(InputError, match="give rdm, responses or repeats"):
        rsa.circular_parts()
    with pytest.raises(InputError, match="all dissimilarities are 1, so there is no variance"):
        rsa.circular_parts(1 - np.eye(6))
    with pytest.raises(InputError, match="stack of 2 RDMs"):
        rsa.circular_parts(np.stack([rsa.rdm(np.random.default_rng(0).normal(size=(6, 5)))] * 2))


def test_a_circle_that_does_not_close_is_told():
    orientations = np.arange(-90, 91, 10.0)  # neurons of direction: at both ends gratings drift in opposite directions
    drifting = rsa.rdm(von_mises(orientations, np.arange(0, 360, 10), 4.0))
    (note,) = rsa.circular_parts(drifting, orientations, period=180).notes
    assert f"but their dissimilarity is {drifting[0, -1]:.3g}" in note and "the circle is not closed" in note
    static = rsa.rdm(von_mises(2 * orientations, np.arange(0, 360, 10), 4.0))
    assert rsa.circular_parts(static, orientations, period=180).notes == ()
    # Where the ends are further apart than other neighbours, nothing is known.
    assert rsa.circular_parts(drifting[:-3, :-3], orientations[:-3], period=180).notes == ()
