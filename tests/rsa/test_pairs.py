import numpy as np
import pytest
import xarray as xr
from scipy.spatial.distance import squareform

from normenc.errors import InputError
from normenc.rsa import compare_rdms, match_stimuli
from normenc.rsa.pairs import as_rdms, upper

RDM = np.array([[0.0, 1, 2], [1, 0, 3], [2, 3, 0]])


def labelled(names, matrix=RDM):
    return xr.DataArray(matrix, dims=("stimulus", "stimulus_2"), coords={"stimulus": names})


def test_upper_is_scipys_order():
    matrix = np.random.default_rng(0).random((6, 6))
    matrix = matrix + matrix.T - 2 * np.diag(np.diag(matrix))
    np.testing.assert_array_equal(upper(matrix), squareform(matrix, checks=False))
    assert upper(np.stack([matrix, matrix])).shape == (2, 15)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (RDM[:2], r"it has shape \(2, 3\); an RDM must be square"),
        (RDM[:2, :2], "at least 3 stimuli"),
        (np.where(RDM == 3, np.nan, RDM), "it is nan for stimuli 1 and 2"),
        (RDM + np.eye(3)[[2, 1, 1]] * [0, 0, 1], "not symmetric: 3 for stimuli 0 and 2, but 2 for 2 and 0"),
        (np.stack([RDM, RDM * np.nan]), "it, RDM 1 is nan for stimuli 0 and 0"),
    ],
)
def test_bad_matrices_are_named(matrix, message):
    with pytest.raises(InputError, match=message):
        as_rdms(matrix, "it")


def test_what_to_do_about_labels_that_differ():
    with pytest.raises(InputError, match=r"reorder one with normenc.rsa.match_stimuli"):
        compare_rdms(labelled(["a", "b", "c"]), labelled(["b", "a", "c"]))
    with pytest.raises(InputError, match="the stimulus a occurs 2 times"):
        compare_rdms(labelled(["a", "b", "c"]), labelled(["a", "a", "c"]))


def test_match_stimuli_reorders():
    shuffled = match_stimuli(RDM, ["a", "b", "c"], ["c", "a", "b"])
    np.testing.assert_array_equal(match_stimuli(shuffled, ["c", "a", "b"], ["a", "b", "c"]), RDM)
    np.testing.assert_array_equal(match_stimuli(RDM[None], ["a", "b", "c"], ["b", "c"])[0], [[0, 3], [3, 0]])
    with pytest.raises(InputError, match="the RDM has no stimulus 'z'"):
        match_stimuli(RDM, ["a", "b", "c"], ["a", "z"])
    with pytest.raises(InputError, match="labels: a occurs 2 times"):
        match_stimuli(RDM, ["a", "a", "c"], ["a"])
    with pytest.raises(InputError, match=r"labels have shape \(2,\) but the RDM has 3 stimuli"):
        match_stimuli(RDM, ["a", "b"], ["a"])
