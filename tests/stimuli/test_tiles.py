import itertools

import numpy as np
import pytest
import torch
from skimage import data

from normenc.errors import InputError
from normenc.stimuli import IN_COLOUR, photograph, photograph_tiles


def test_tiles_are_the_photographs_pixels():
    drawn = photograph_tiles(150, np.random.default_rng(0))
    assert drawn.images.shape == (150, 3, 96, 96) and drawn.images.dtype == torch.float32
    table = drawn.parameters
    assert set(table["photograph"]) == set(IN_COLOUR) and set(table["zoom"]) == {1, 2, 3}
    cats = table.index[(table["photograph"] == "chelsea") & (table["zoom"] == 2)]
    for place in cats:
        row, column = table.loc[place, ["row", "column"]]
        fine = data.chelsea()[row : row + 192, column : column + 192] / 255
        expected = (fine[::2, ::2] + fine[1::2, ::2] + fine[::2, 1::2] + fine[1::2, 1::2]) / 4
        np.testing.assert_allclose(drawn.images[place].movedim(0, 2), expected, rtol=0, atol=1e-6)
    assert len(cats)


def test_tiles_of_one_resolution_do_not_overlap_until_more_are_wanted():
    def overlap(drawn):
        rows = drawn.parameters.itertuples(index=False)
        return sum(
            one[0] == other[0] and one[3] == other[3] and all(abs(one[k] - other[k]) < 96 * one[3] for k in (1, 2))
            for one, other in itertools.combinations(rows, 2)
        )

    assert overlap(photograph_tiles(182, np.random.default_rng(0))) == 0
    assert overlap(photograph_tiles(200, np.random.default_rng(0))) > 0
    with pytest.raises(InputError, match=r"n is 1000; there are 182 tiles of 96 x 96 pixels, and .* overlap"):
        photograph_tiles(1000, np.random.default_rng(0))


def test_seeds_decide_the_order_and_colours_are_kept_when_asked():
    one, again, other = (photograph_tiles(20, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert torch.equal(one.images, again.images) and not one.parameters.equals(other.parameters)
    assert photograph("coffee").shape == (400, 600)
    np.testing.assert_allclose(photograph("coffee", colour=True), data.coffee() / 255, rtol=0, atol=1e-6)
    assert photograph("camera", colour=True).shape == (512, 512, 3)
