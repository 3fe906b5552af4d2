import numpy as np
import pytest

from normenc import rsa
from normenc.errors import InputError
from normenc.rsa import infer, noise_ceiling, rdm
from normenc.rsa import trials as room
from normenc.rsa.inference import infer_in_scopes
from normenc.rsa.neurons import deal
from normenc.rsa.recorded import packed
from normenc.rsa.trials import DrawsByNeuron, Trials, draw_trials, halves_of

FAST = {"n_samples": 60, "n_permutations": 1}
FEATURES = np.random.default_rng(3).normal(size=(20, 12))
MODELS = {"one": rdm(FEATURES[:, :6]), "other": rdm(FEATURES[:, 6:])}


def trials(n_repeats, noise=1.0, seed=0, n_neurons=40, shared=0.0):
    """Trials of the same neurons with new noise, some of it shared by all, (n_repeats, 20, n_neurons)."""
    weights = np.random.default_rng(4).normal(size=(2, 12, n_neurons)) / np.sqrt(12)
    rng = np.random.default_rng([5, seed])
    common = rng.normal(size=(n_repeats, 20, 12)) @ weights[1]
    own = rng.normal(size=(n_repeats, 20, n_neurons))
    return FEATURES @ weights[0] + noise * (np.sqrt(1 - shared) * own + np.sqrt(shared) * common)


@pytest.mark.parametrize("n_repeats", [2, 3, 10])
@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_means_vary_by_a_known_share_of_their_variance(n_repeats, strength):
    """The standard error of a mean is the sample's standard deviation over the root of n, for any number of trials."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(n_repeats, 6)) * np.arange(1, 7)  # of 6 stimuli
    (draws,) = draw_trials(np.full(6, n_repeats), 20_000, rng, [strength])
    shares = draws.mean()
    np.testing.assert_allclose(shares.sum(axis=2), 1)
    means = np.einsum("bir,ri->bi", shares, values)
    np.testing.assert_allclose(means.mean(axis=0), values.mean(axis=0), atol=0.03 * values.std(axis=0).max())
    expected = values.var(axis=0, ddof=1) / n_repeats
    np.testing.assert_allclose(means.var(axis=0), strength**2 * expected, rtol=0.05)


def test_unequal_numbers_of_trials_vary_by_the_same_share():
    rng = np.random.default_rng(0)
    repeats = rng.normal(size=(5, 4, 1))
    repeats[2:, 0] = repeats[0, 1] = repeats[3, 2] = np.nan
    values, n_trials = packed(repeats)
    assert n_trials.tolist() == [2, 4, 4, 5]
    np.testing.assert_allclose(values.sum(axis=0)[:, 0] / n_trials, np.nanmean(repeats, axis=0)[:, 0])
    (draws,) = draw_trials(n_trials, 20_000, rng, [0.5])
    means = np.einsum("bir,ri->bi", draws.mean(), values[:, :, 0])
    expected = np.nanvar(repeats[:, :, 0], axis=0, ddof=1) / n_trials
    np.testing.assert_allclose(means.var(axis=0), 0.25 * expected, rtol=0.05)


@pytest.mark.parametrize("at_once", [1, 2, 100], ids=["one by one", "in pairs", "together"])
@pytest.mark.parametrize("repeats", [[1], [0, 3]])
def test_halves_of_several_samples_are_those_of_each(at_once, repeats, monkeypatch):
    monkeypatch.setattr(room, "MAX_AT_ONCE", at_once * 3 * 4 * 5)
    by_neuron = DrawsByNeuron(5, 3, np.array([5, 4, 5, 5]), 0.5, (0,))
    draws = [by_neuron.of_groups(sample) for sample in range(5)]
    found = halves_of(draws, repeats)
    assert len(found) == 5
    for own, half in zip(draws, found, strict=True):
        np.testing.assert_array_equal(half, own.half(repeats))


def test_halves_get_noise_of_their_own_trials():
    rng = np.random.default_rng(0)
    (draws,) = draw_trials(np.full(5, 6), 20_000, rng, [1.0])
    shares = draws.half([0, 3, 4])
    np.testing.assert_allclose(shares.sum(axis=2), 1)
    assert (shares[:, :, [1, 2, 5]] == 0).all()
    values = rng.normal(size=(6, 5))
    means = np.einsum("bir,ri->bi", shares, values)
    np.testing.assert_allclose(means.var(axis=0), values[[0, 3, 4]].var(axis=0, ddof=1) / 3, rtol=0.05)
    single = draws.half([2])
    np.testing.assert_allclose(single.sum(axis=2), 1)
    np.testing.assert_allclose(single.mean(axis=0), np.eye(6)[[2] * 5], atol=0.02)
    of_one = np.einsum("bir,ri->bi", single, values).var(axis=0)
    np.testing.assert_allclose(of_one, values.var(axis=0, ddof=1), rtol=0.05)


@pytest.mark.parametrize("metric", ["correlation", "cosine", "euclidean"])
@pytest.mark.parametrize("n_neurons", [12, 300])  # few, and enough for the products of all trials
def test_rdms_of_samples_are_those_of_their_mean_responses(metric, n_neurons):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2, 7, n_neurons)) + 3
    own = Trials.of(values, np.full(7, 2), metric, deal(values.mean(axis=0), metric))
    assert (own.products is None) == (n_neurons == 12)
    (draws,) = draw_trials(own.n_trials, 3, rng, [0.5])
    shares = draws.mean()
    upper = np.triu_indices(7, k=1)
    by_neuron = DrawsByNeuron(3, own.group.max() + 1, own.n_trials, 0.5, (0,)).of_groups(2).mean()
    for index, share in enumerate(shares):
        mean = np.einsum("ir,rin->in", share, values)
        np.testing.assert_allclose(own.vectors(shares)[index], rdm(mean, metric=metric)[upper], rtol=1e-9)
    mean = np.einsum("nir,rin->in", by_neuron[own.group], values)
    np.testing.assert_allclose(own.vectors_by_neuron([by_neuron])[0], rdm(mean, metric=metric)[upper], rtol=1e-9)


def test_trials_are_drawn_where_stimuli_are_fixed_and_come_with_them_otherwise():
    repeats = trials(4)
    whole = infer(MODELS, repeats=repeats, responses=repeats.mean(axis=0), **FAST)
    assert (whole.factors, whole.generalises_to) == (("stimuli", "neurons"), ("stimuli", "neurons", "trials"))
    assert whole.fixed == ()
    recorded = {"repeats": repeats, "responses": repeats.mean(axis=0)}
    found, other = infer_in_scopes(MODELS, None, recorded=recorded, asked=["neurons", "trials"], **FAST)
    assert found.factors == found.generalises_to == ("neurons", "trials")
    assert (found.fixed, found.sizes) == (("stimuli",), {"neurons": 40, "trials": 80})
    assert other.models.equals(whole.models)
    assert np.isfinite(found.models["standard_error"]).all() and np.isfinite(found.ceiling_intervals).all()
    asked = infer(MODELS, repeats=repeats, generalise_to=["stimuli", "trials"], **FAST)
    assert (asked.factors, asked.generalises_to) == (("stimuli",), ("stimuli", "trials"))
    animals = infer(MODELS, [rdm(one) for one in repeats], generalise_to=["animals", "trials"], **FAST)
    assert (animals.factors, animals.generalises_to) == (("animals",), ("animals", "trials"))


def test_one_animal_with_repeats_has_intervals_over_trials():
    """Of the same neurons and stimuli, they are those of recordings with other noise."""
    n, estimates, errors = 40, [], []
    for seed in range(n):
        found = infer(MODELS, repeats=trials(4, 1.5, seed, shared=0.5), generalise_to=["trials"], seed=seed, **FAST)
        row = found.models.iloc[0]
        estimates.append(row["similarity"])
        errors.append((row["standard_error"], row["low"], row["high"]))
    errors = np.array(errors)
    truth = np.mean(estimates)
    covered = ((errors[:, 1] <= truth) & (truth <= errors[:, 2])).sum()
    assert 0.8 < errors[:, 0].mean() / np.std(estimates, ddof=1) < 1.4
    assert covered >= n - 7  # 2 misses expected; 8 or more in 1 of 1000 runs


def test_noise_that_neurons_share_is_seen_only_by_drawing_trials():
    shared, alone = (trials(4, 3.0, shared=share, n_neurons=60) for share in (0.9, 0.0))
    error = {}
    for name, repeats in (("shared", shared), ("alone", alone)):
        for scope in (["neurons"], ["neurons", "trials"]):
            given = {"repeats": repeats, "responses": repeats.mean(axis=0)}
            found = infer(MODELS, **given, generalise_to=scope, n_samples=60, n_permutations=1)
            error[name, len(scope)] = found.models["standard_error"].mean()
    assert error["shared", 2] > 1.15 * error["shared", 1]
    assert error["alone", 2] < 1.15 * error["alone", 1]


def test_ceilings_of_repeats_vary_with_neurons_and_trials():
    repeats = trials(4, 1.5)
    given = {"repeats": repeats, "responses": repeats.mean(axis=0)}
    widths = {}
    for scope in (["stimuli"], ["neurons"], ["trials"], ["neurons", "trials"]):
        found = infer(MODELS, **given, generalise_to=scope, n_samples=60, n_permutations=1)
        assert found.ceiling == noise_ceiling(repeats=repeats)
        widths[len(scope), scope[0]] = np.ptp(found.ceiling_intervals[0])
    assert all(width > 0 for width in widths.values())
    assert widths[2, "neurons"] > max(widths[1, "neurons"], widths[1, "trials"]) * 0.9


def test_why_trials_cannot_be_drawn_by_themselves():
    repeats = trials(3)
    single = repeats.copy()
    single[1:, 4] = np.nan
    cases = [
        (
            {"repeats": repeats, "rdm_metric": "manhattan"},
            "rdm_metric 'manhattan' is not computed from means over trials",
        ),
        ({"repeats": repeats[:2], "responses": repeats.mean(axis=0)}, "the responses are not the mean of the repeats"),
    ]
    for given, why in cases:
        if given.get("rdm_metric", "correlation") in (*rsa.METRICS, "correlation"):
            with pytest.raises(InputError, match=f"generalise_to: 'trials' cannot be resampled; {why}"):
                infer(MODELS, **given, generalise_to=["trials"], **FAST)
    with pytest.raises(InputError, match="with 1 of stimulus 4; halves of the trials need at least 2 of each"):
        infer(MODELS, repeats=single, generalise_to=["trials"], **FAST)
    found = infer(MODELS, responses=repeats.mean(axis=0), repeats=repeats[:2], generalise_to=["neurons"], **FAST)
    assert found.fixed == ("stimuli", "trials")
    assert found.notes[-1] == "Trials cannot be resampled: the responses are not the mean of the repeats."


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v.__setitem__((1, 2, 3), np.nan), "repeats are nan in repeat 1 of stimulus 2, neuron 3"),
        (lambda v: v.__setitem__((0, 1, 2), np.inf), "repeats are inf in repeat 0 of stimulus 1, neuron 2"),
        (lambda v: v.__setitem__((slice(None), 5), np.nan), "repeats of stimulus 5 are all NaN; each stimulus needs"),
    ],
)
def test_trials_that_are_not_whole_are_refused(change, message):
    values = trials(3).copy()
    change(values)
    with pytest.raises(InputError, match=message):
        packed(values)


def test_trials_that_some_stimuli_lack_are_used_where_they_are():
    repeats = trials(4)
    repeats[3, :10] = np.nan
    found = infer(MODELS, repeats=repeats, generalise_to=["trials"], **FAST)
    assert found.sizes == {"trials": 70}
    assert found.models["similarity"][0] == pytest.approx(rsa.compare_rdms(MODELS["one"], rdm(np.nanmean(repeats, 0))))
    assert found.ceiling == noise_ceiling(repeats=repeats[:3])  # of the trials that all stimuli have
