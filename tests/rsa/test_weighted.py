"""Every bootstrap sample must give what the resampled matrices give: with rsatoolbox, and by writing it out."""

import numpy as np
import pytest
from rsatoolbox.inference.noise_ceiling import boot_noise_ceiling
from rsatoolbox.rdm import RDMs, compare
from scipy.stats import kendalltau

from normenc.rsa.comparison import METHODS
from normenc.rsa.kendall_samples import Divided, taus_in_samples
from normenc.rsa.pairs import upper
from normenc.rsa.weighted import sample_ceilings, sample_similarities, similarities

ORACLE = {
    "pearson": "corr",
    "spearman": "spearman",
    "kendall-tau-a": "tau-a",
    "rho-a": "rho-a",
    "cosine": "cosine",
    "whitened-cosine": "cosine_cov",
    "whitened-correlation": "corr_cov",
}
N_STIMULI, N_RDMS, N_MODELS, N_SAMPLES = 14, 5, 3, 12


@pytest.fixture(scope="module")
def example():
    rng = np.random.default_rng(3)
    data = rng.random((N_RDMS, N_STIMULI * (N_STIMULI - 1) // 2))
    models = rng.random((N_MODELS, data.shape[1]))
    models[1] = models[1].round(1)  # ties
    models[2] = models[2] > 0.5  # categories
    counts = rng.multinomial(N_STIMULI, np.full(N_STIMULI, 1 / N_STIMULI), size=N_SAMPLES)
    animals = rng.multinomial(N_RDMS, np.full(N_RDMS, 1 / N_RDMS), size=N_SAMPLES)
    return models, data, counts, animals


def resampled(models, data, counts, animals, sample):
    stimuli = np.repeat(np.arange(N_STIMULI), counts[sample])
    rdms = RDMs(data, rdm_descriptors={"index": np.arange(N_RDMS)})
    chosen = rdms.subsample("index", np.repeat(np.arange(N_RDMS), animals[sample]))
    return RDMs(models).subsample_pattern("index", stimuli), chosen.subsample_pattern("index", stimuli)


@pytest.mark.filterwarnings("ignore:Noise ceiling for tau")
@pytest.mark.parametrize("method", METHODS)
def test_every_sample_equals_rsatoolbox(example, method):
    models, data, counts, animals = example
    found = similarities(models, data, counts, method, rdm_counts=animals, subject=np.arange(N_RDMS))
    for sample in range(N_SAMPLES):
        theirs, chosen = resampled(*example, sample)
        expected = compare(theirs, chosen, ORACLE[method]).mean(axis=1)
        ours = found.models[sample] @ animals[sample] / N_RDMS
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-12)
        if not method.startswith("whitened"):  # rsatoolbox normalises these by the plain length: see below
            np.testing.assert_allclose(
                found.ceiling[sample], boot_noise_ceiling(chosen, ORACLE[method]), rtol=0, atol=1e-12
            )


@pytest.mark.parametrize("method", METHODS)
def test_samples_with_data_of_their_own(example, method):
    models, data, counts, _ = example
    own = np.random.default_rng(1).random((N_SAMPLES, data.shape[1]))
    expected = [similarities(models, own[[s]], counts[[s]], method).models[0, :, 0] for s in range(N_SAMPLES)]
    np.testing.assert_allclose(sample_similarities(models, own, counts, method), expected, rtol=0, atol=1e-12)
    repeated = np.repeat(models[:, None], N_SAMPLES, axis=1)
    np.testing.assert_allclose(sample_similarities(repeated, own, counts, method), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_adding_every_stimulus_once_more_to_a_sample_of_all_changes_nothing(example, method):
    models, data, _, _ = example
    once, thrice = (similarities(models, data, np.full((1, N_STIMULI), times), method).models for times in (1, 3))
    # Whitening sees more stimuli, and the same pairs missing; tau-a counts pairs of one pair with itself as ties.
    tolerance = {"whitened-cosine": 0.2, "whitened-correlation": 0.2, "kendall-tau-a": 0.1, "rho-a": 0.1}
    np.testing.assert_allclose(once, thrice, atol=tolerance.get(method, 1e-12))


@pytest.mark.parametrize(
    "method", ["whitened-cosine", "whitened-correlation", "pearson", "cosine", "spearman", "rho-a"]
)
def test_the_upper_ceiling_is_maximal(example, method):
    _, data, _, _ = example
    stimuli, everyone = np.ones((1, N_STIMULI), dtype=int), np.ones((1, N_RDMS), dtype=int)
    best = similarities(data, data, stimuli, method, rdm_counts=everyone, subject=np.arange(N_RDMS)).ceiling[0, 1]
    rng = np.random.default_rng(0)
    tried = np.vstack(
        [
            data,
            data.mean(axis=0),
            *(data.mean(axis=0) + s * rng.normal(size=(60, data.shape[1])) for s in (0.003, 0.03, 0.3)),
        ]
    )
    means = similarities(tried, data, stimuli, method).models[0].mean(axis=1)
    assert means.max() <= best + 1e-12


def test_rsatoolboxs_whitened_ceiling_is_not_maximal():
    rng = np.random.default_rng(5)
    data = np.abs(rng.normal(size=(3, 28))) * np.array([[1], [1], [1]]) + rng.random((3, 1)) * 3
    data[0, :7] += 8  # one animal's first stimulus is unlike all others
    stimuli, everyone = np.ones((1, 8), dtype=int), np.ones((1, 3), dtype=int)
    ours = similarities(data, data, stimuli, "whitened-cosine", rdm_counts=everyone, subject=np.arange(3)).ceiling[0, 1]
    theirs = boot_noise_ceiling(RDMs(data), "cosine_cov")[1]
    assert ours > theirs + 1e-4


def test_an_animals_sessions_are_left_out_together(example):
    _, data, _, _ = example
    subject = np.array([0, 0, 1, 1, 2])
    stimuli, everyone = np.ones((1, N_STIMULI), dtype=int), np.ones((1, N_RDMS), dtype=int)
    for method, oracle in (("pearson", "corr"), ("spearman", "spearman")):
        found = similarities(data, data, stimuli, method, rdm_counts=everyone, subject=subject).ceiling[0]
        rdms = RDMs(data, rdm_descriptors={"animal": subject})
        np.testing.assert_allclose(found, boot_noise_ceiling(rdms, oracle, rdm_descriptor="animal"), atol=1e-12)


def test_a_sample_of_one_animal_has_no_ceiling(example):
    models, data, counts, _ = example
    animals = np.zeros((N_SAMPLES, N_RDMS), dtype=int)
    animals[:, 2] = N_RDMS
    for method in ("pearson", "spearman"):
        found = similarities(models, data, counts, method, rdm_counts=animals, subject=np.arange(N_RDMS))
        assert np.isnan(found.ceiling).all()
        assert np.isfinite(found.models).all()


@pytest.mark.parametrize("method", ["pearson", "spearman", "whitened-correlation"])
def test_chunks_do_not_matter(example, method, monkeypatch):
    models, data, counts, animals = example
    whole = similarities(models, data, counts, method, rdm_counts=animals, subject=np.arange(N_RDMS))
    for room in ("linear.WEIGHT_BYTES", "one_by_one.WEIGHT_BYTES", "linear_samples.CHUNK_BYTES"):
        monkeypatch.setattr(f"normenc.rsa.{room}", 3000)
    parts = similarities(models, data, counts, method, rdm_counts=animals, subject=np.arange(N_RDMS))
    np.testing.assert_allclose(whole.models, parts.models, atol=1e-14)
    np.testing.assert_allclose(whole.ceiling, parts.ceiling, atol=1e-14)


@pytest.mark.parametrize(
    "drawn", [[2, 1, 0, 3, 1, 1], [0, 5, 1, 1, 1, 0], [1, 0, 1, 6, 0, 0], [1, 1, 1, 1, 1, 1]], ids=str
)
def test_the_whitened_product_is_that_of_the_inverse_covariance(drawn):
    """Against V written out, with stimuli that are in the sample several times and pairs of them left out."""
    rng = np.random.default_rng(2)
    n, counts = 6, np.array(drawn)
    one, other = (upper(m + m.T) for m in rng.random((2, n, n)))
    members = np.repeat(np.arange(n), counts)
    rows, columns = np.triu_indices(len(members), k=1)
    contrast = np.zeros((len(rows), len(members)))
    contrast[np.arange(len(rows)), rows], contrast[np.arange(len(rows)), columns] = 1, -1
    kept = members[rows] != members[columns]
    covariance = ((contrast @ contrast.T) ** 2)[np.ix_(kept, kept)]
    square = np.zeros((2, n, n))
    square[:, *np.triu_indices(n, 1)] = one, other
    square += square.transpose(0, 2, 1)
    x, y = (m[members[rows[kept]], members[columns[kept]]] for m in square)
    inverse = np.linalg.inv(covariance)
    expected = x @ inverse @ y / np.sqrt((x @ inverse @ x) * (y @ inverse @ y))
    found = similarities(one[None], other[None], counts[None], "whitened-cosine").models[0, 0, 0]
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_ceilings_of_samples_with_data_of_their_own(example, method):
    """Where the data are the same in all samples, they are those of the data."""
    models, data, counts, animals = example
    subject = np.array([0, 0, 1, 2, 2])
    own = np.repeat(data[:, None], N_SAMPLES, axis=1)
    for weigh in (False, True):
        options = {"rdm_counts": animals, "subject": subject, "weigh_subjects": weigh}
        found = sample_ceilings(own, counts, method, **options)
        np.testing.assert_allclose(found, similarities(models, data, counts, method, **options).ceiling, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_a_sample_that_tells_nothing_leaves_the_others_as_they_are(method):
    """One that holds a single stimulus has no pair, one of two stimuli only pairs that are alike."""
    rng = np.random.default_rng(1)
    models, data = rng.random((2, 2, 28))
    counts = rng.multinomial(8, np.full(8, 1 / 8), size=6)
    counts[1], counts[2], counts[3] = 8 * np.eye(8)[0], [4, 4, 0, 0, 0, 0, 0, 0], [5, 1, 1, 1, 0, 0, 0, 0]
    found = similarities(models, data, counts, method).models
    for sample in (0, 3, 4, 5):
        alone = similarities(models, data, counts[[sample]], method).models
        np.testing.assert_allclose(found[[sample]], alone, atol=1e-12)
        assert np.isfinite(found[sample]).all()
    assert not np.isfinite(found[1]).any()
    if "cosine" not in method:
        assert not np.isfinite(found[2]).any() or method in ("rho-a", "kendall-tau-a")
    own = sample_similarities(models, np.repeat(data[:1], 6, axis=0), counts, method)
    np.testing.assert_allclose(own, found[:, :, 0], atol=1e-12)


@pytest.mark.parametrize("private", [True, False])
@pytest.mark.parametrize("extra", [0, 1, 3])
def test_tau_a_in_samples_by_counting_all_pairs(example, extra, private, monkeypatch):
    if not private:  # as with a SciPy that has no such function
        monkeypatch.setattr("normenc.rsa.kendall._kendall_dis", None)
    models, data, counts, _ = example
    data = np.vstack([data[:2], data[:1].round(1)])  # one with ties
    counts = extra + counts[:3]
    found = similarities(models, data, counts, "kendall-tau-a").models
    own = sample_similarities(models, data, counts, "kendall-tau-a")
    for sample, times in enumerate(counts):
        weight = upper(np.outer(times, times)).astype(int)
        entries = [np.repeat(vectors, weight, axis=1) for vectors in (models, data)]
        signs = [np.sign(v[:, :, None] - v[:, None]).reshape(len(v), -1) for v in entries]
        n = entries[0].shape[1]
        expected = signs[0] @ signs[1].T / (n * (n - 1))
        np.testing.assert_allclose(found[sample], expected, rtol=0, atol=1e-14)
        np.testing.assert_allclose(own[sample], expected[:, sample], rtol=0, atol=1e-14)


@pytest.mark.parametrize("values", [(3, 200), (150, 150), (40, 2)], ids=["few values", "no ties", "one value is most"])
@pytest.mark.parametrize("at_once", [2**24, 300])
def test_tau_a_of_all_samples_together_is_scipys_of_each(values, at_once, monkeypatch):
    """SciPy's tau-b of the repeated entries, times what ties are not counted."""
    monkeypatch.setattr("normenc.rsa.kendall_samples.ENTRIES", at_once)
    rng = np.random.default_rng(2)
    vectors = [np.where(rng.random(150) < 0.4, 0, rng.permutation(150) % n) for n in values]
    if values == (150, 150):
        vectors = [rng.permutation(150) for _ in values]
    dense = [np.unique(own, return_inverse=True)[1] for own in vectors]
    divided = [Divided(own, np.argsort(own, kind="stable")) for own in dense]
    weights = rng.multinomial(150, np.full(150, 1 / 150), size=6) * np.array([[1], [1], [1], [3], [0], [0]])
    weights[5, 7] = 1
    found = taus_in_samples(divided, [(0, 1), (1, 0), (1, 1)], weights.astype(float))
    for times, taus in zip(weights[:4], found[:4], strict=True):
        x, y = (np.repeat(own, times) for own in vectors)
        pairs = len(x) * (len(x) - 1) / 2
        untied = [pairs - sum(n * (n - 1) / 2 for n in np.unique(v, return_counts=True)[1]) for v in (x, y)]
        expected = kendalltau(x, y).statistic * np.sqrt(untied[0]) * np.sqrt(untied[1]) / pairs
        np.testing.assert_allclose(taus, [expected, expected, untied[1] / pairs], rtol=0, atol=1e-12)
    assert np.isnan(found[4:]).all()  # none, and a single entry


@pytest.mark.parametrize("method", ["pearson", "whitened-correlation"])
def test_a_sample_whose_pairs_are_all_equal_has_no_correlation_whatever_is_drawn_beside_it(method):
    rng, drawn = np.random.default_rng(0), np.array([[3, 2, 2, 1, 0, 0, 0, 0]])
    flat, varied = rng.random((40, 1)), rng.random((40, 28))
    rows, columns = np.triu_indices(8, k=1)
    vectors = np.where((rows < 4) & (columns < 4), flat, varied)
    for models, data in zip(vectors[:20], vectors[20:], strict=True):
        alone = similarities(models[None], data[None], drawn, method).models
        beside = similarities(models[None], data[None], np.vstack([drawn, np.ones_like(drawn)]), method).models
        assert np.isnan(alone).all() and np.isnan(beside[0]).all() and np.isfinite(beside[1]).all()
