"""RDMs as people publish them, read to the same matrices whatever their form."""

import numpy as np
import pytest
import xarray as xr
from scipy.spatial.distance import pdist, squareform

from normenc.errors import InputError
from normenc.quality import check
from normenc.recordings import load, save
from normenc.recordings.recording import Recording

RNG = np.random.default_rng(3)
N_SUBJECTS, N_STIMULI = 5, 7
PATTERNS = RNG.normal(size=(N_STIMULI, 30))
STACK = np.stack(
    [squareform(pdist(PATTERNS + RNG.normal(size=PATTERNS.shape), "correlation")) for _ in range(N_SUBJECTS)]
)
VECTORS = np.stack([squareform(rdm, checks=False) for rdm in STACK])
NAMES = np.array([f"image {k}" for k in range(N_STIMULI)])
WITH_NAN = STACK + np.diag(np.full(N_STIMULI, np.nan))


def saved(tmp_path, **arrays):
    np.savez(tmp_path / "a.npz", **arrays)
    return tmp_path / "a.npz"


def netcdf(tmp_path, **arrays):
    xr.Dataset(arrays).to_netcdf(tmp_path / "a.nc")
    return tmp_path / "a.nc"


@pytest.mark.parametrize(
    ("rdm", "read_as"),
    [
        (STACK, "RDMs of 5 subjects x 7 stimuli"),
        (np.moveaxis(STACK, 0, -1), "RDMs of 5 subjects x 7 stimuli"),
        (WITH_NAN, "RDMs of 5 subjects x 7 stimuli"),
        (VECTORS, "RDMs of 5 subjects x 7 stimuli"),
    ],
    ids=["stack", "stack last", "NaN diagonal", "vectors"],
)
@pytest.mark.parametrize("labelled", [True, False])
def test_several_subjects(tmp_path, rdm, read_as, labelled):
    recording = load(saved(tmp_path, rdm=rdm, **{"image": NAMES} if labelled else {}))
    np.testing.assert_allclose(recording.rdms, STACK, rtol=1e-12)
    np.testing.assert_allclose(recording.rdm, STACK.mean(axis=0), rtol=1e-12)
    assert recording.read_as == read_as
    assert recording.animals == ("1", "2", "3", "4", "5")
    assert "5 subjects" in recording.describe()
    if not labelled:
        assert recording.stimulus.tolist() == list("1234567")
        assert any("stimuli have no labels, and are counted from 1" in note for note in recording.notes)


@pytest.mark.parametrize("rdm", [STACK[0], WITH_NAN[0], VECTORS[0]], ids=["square", "NaN diagonal", "vector"])
def test_one_population(tmp_path, rdm):
    recording = load(saved(tmp_path, rdm=rdm, image=NAMES))
    np.testing.assert_allclose(recording.rdm, STACK[0], rtol=1e-12)
    assert (recording.rdms, recording.read_as) == (None, "an RDM of 7 stimuli")


@pytest.mark.parametrize("name", ["animal", "subject", "session"])
def test_whose_they_are(tmp_path, name):
    recording = load(saved(tmp_path, rdm=STACK, **{name: list("vwxyz")}))
    assert (recording.sessions if name == "session" else recording.animals) == tuple("vwxyz")
    assert (recording.animals if name == "session" else recording.sessions) == ()
    both = STACK.reshape(1, 5, 7, 7)
    found = load(saved(tmp_path, rdm=both, subject=["s"], session=list("vwxyz")))
    assert found.read_as == "RDMs of 1 subject x 5 sessions x 7 stimuli"
    assert (found.animals, found.sessions) == (("s",), tuple("vwxyz"))


def test_axes_that_nothing_tells(tmp_path):
    path = saved(tmp_path, rdm=STACK[:4].reshape(2, 2, 7, 7))
    with pytest.raises(InputError, match=r"nothing says which axes .*axes='animal,session,stimulus,stimulus'"):
        load(path)
    recording = load(path, axes="session,subject,stimulus,stimulus")
    assert recording.rdms["session"].values.tolist() == ["1", "1", "2", "2"]
    assert recording.rdms["animal"].values.tolist() == ["1", "2", "1", "2"]
    with pytest.raises(InputError, match="do not fit an rdm of shape"):
        load(path, axes="session,subject,stimulus")
    with pytest.raises(InputError, match="nothing says which axes"):
        load(saved(tmp_path, rdm=np.zeros((7, 7, 7))))


PAIRS = np.concatenate([VECTORS] * 3)  # 15 subjects (as many as 6 stimuli have pairs) x 21 pairs


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_vectors_of_which_both_axes_may_count_pairs(tmp_path, order):
    vectors = np.transpose(PAIRS, order)
    stated = ",".join(["animal", "stimulus"][axis] for axis in order)
    with pytest.raises(InputError, match=rf"21 of 7.* stimuli\); say which one: .*axes='{stated}'"):
        load(saved(tmp_path, rdm=vectors))
    for known in (
        load(saved(tmp_path, rdm=vectors), axes=stated),
        load(saved(tmp_path, rdm=vectors, image=NAMES)),  # whose number fits one axis alone
        load(saved(tmp_path, rdm=vectors, subject=np.arange(15))),
        load(netcdf(tmp_path, rdm=([("subject", "pair")[axis] for axis in order], vectors))),
    ):
        assert known.read_as == "RDMs of 15 subjects x 7 stimuli"
        np.testing.assert_allclose(known.rdms, np.concatenate([STACK] * 3), rtol=1e-12)


@pytest.mark.parametrize("n_subjects", [5, 8])
def test_vectors_along_the_first_axis(tmp_path, n_subjects):
    vectors = np.concatenate([VECTORS] * 2)[:n_subjects].T
    assert load(saved(tmp_path, rdm=vectors)).read_as == f"RDMs of {n_subjects} subjects x 7 stimuli"


def test_axes_of_squares_that_their_names_tell(tmp_path):
    path = netcdf(tmp_path, rdm=(("subject", "stimulus", "other"), np.concatenate([STACK, STACK[:2]])))
    assert load(path).read_as == "RDMs of 7 subjects x 7 stimuli"


@pytest.mark.parametrize("metric", ["euclidean", "crossnobis", "my own"])
def test_other_dissimilarities_are_named_and_kept(tmp_path, metric):
    distances = squareform(pdist(PATTERNS))
    if metric == "crossnobis":  # unbiased, and thus below 0 at times
        distances[0, 1] = distances[1, 0] = -0.5
    path = saved(tmp_path, rdm=distances, image=NAMES)
    with pytest.raises(
        InputError, match=r"correlation distances lie between 0 and 2. If it holds another .*rdm_metric="
    ):
        load(path)
    recording = load(path, rdm_metric=metric)
    np.testing.assert_allclose(recording.rdm, distances)
    assert recording.rdm_metric == metric
    assert recording.read_as == f"an RDM of 7 stimuli ({metric} dissimilarities)"
    save(recording, tmp_path / "b.npz")
    assert load(tmp_path / "b.npz").rdm_metric == metric


@pytest.mark.parametrize("suffix", [".npz", ".nc", ".h5"])
def test_stacks_are_saved_and_read_back(tmp_path, suffix):
    subjects = {"animal": ["a", "a", "b", "b", "c"], "session": list("12121")}
    recording = Recording.from_rdm("toy", STACK, image=NAMES, subjects=subjects)
    save(recording, tmp_path / f"a{suffix}")
    back = load(tmp_path / f"a{suffix}")
    np.testing.assert_allclose(back.rdms, STACK)
    assert back.rdms["animal"].values.tolist() == subjects["animal"]
    assert back.sessions == ("1", "2")


@pytest.mark.parametrize(
    ("rdm", "message"),
    [
        (np.zeros((4, 5)), r"rdm has shape \(4, 5\); it must be square"),
        (VECTORS[0][:-1], r"rdm has shape \(20,\); it must be square"),
        (STACK - STACK.transpose(0, 2, 1) + np.eye(7), "not"),
        (np.ones((7, 7)), "not zero on its diagonal; it must hold dissimilarities, not similarities"),
        (STACK[:, :6, :6], r"rdm has shape \(5, 6, 6\).* 7 labels"),
    ],
)
def test_what_is_no_rdm(tmp_path, rdm, message):
    with pytest.raises(InputError, match=message):
        load(saved(tmp_path, rdm=rdm, image=NAMES))


def test_real_stacks(shared_data):
    evc = load(shared_data / "real" / "n2b_evc.npz", names={"rdm": "arr_0"})
    with np.load(shared_data / "real" / "n2b_evc.npz") as file:
        given = file["arr_0"]
    np.testing.assert_allclose(evc.rdms.values[:, ~np.eye(78, dtype=bool)], given[:, ~np.eye(78, dtype=bool)])
    assert evc.read_as == "RDMs of 15 subjects x 78 stimuli"
    it = load(shared_data / "human_it_92.npz", names={"rdm": "rdms"})
    assert it.read_as == "RDMs of 4 subjects x 2 sessions x 92 stimuli"
    assert len(it.rdms) == 8 and len(it.animals) == 4 and len(it.sessions) == 2
    assert check(it).n_animals == 4
