import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from normenc.errors import InputError
from normenc.stimuli import gratings, photograph, plaids, stimulus_pool

WAVES = ("orientation", "spatial_frequency", "phase", "contrast")
COLUMNS = {
    "gratings": (*WAVES, "waveform", "aperture", "aperture_size"),
    "plaids": (*WAVES, "angle"),
    "textures": ("orientation", "spatial_frequency", "bandwidth", "contrast", "photograph"),
    "photographs": ("photograph", "row", "column"),
}
RANGES = {  # of parameters, as the docstring says them
    "orientation": (-90, 90),
    "spatial_frequency": (1 / 56, 1 / 7),
    "phase": (0, 360),
    "angle": (15, 90),
    "bandwidth": (0.5, 2),
    "aperture_size": (0.1, 1),
}
CONTRASTS = {"gratings": (0.25, 1), "plaids": (0.25, 1), "textures": (0.1, 0.25)}


def gratings_again(row):
    """The grating that a row of the table describes."""
    shown = {} if row["aperture"] == "none" else {"aperture": row["aperture"], "aperture_size": row["aperture_size"]}
    options = {name: row[name] for name in WAVES[1:]}
    return gratings([row["orientation"]], waveform=row["waveform"], **options, **shown)[0]


def plaids_again(row):
    return plaids([row["orientation"]], **{name: row[name] for name in (*WAVES[1:], "angle")})[0]


def photographs_again(row):
    """The patch around a point of the photograph, interpolated by SciPy."""
    down, right = np.mgrid[:48, :64] - np.array([23.5, 31.5])[:, None, None]
    source = photograph(row["photograph"]).astype(float)
    return torch.as_tensor(map_coordinates(source, [row["row"] + down, row["column"] + right], order=1))


AGAIN = {"gratings": gratings_again, "plaids": plaids_again, "photographs": photographs_again}


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_pool_has_its_number_in_8_bits_and_a_table_that_describes_every_image(kind):
    pool = stimulus_pool(13, np.random.default_rng(0), kinds=[kind], resolution=0.1)
    table, values = pool.parameters, pool.images.double() * 255
    assert pool.images.shape == (13, 48, 64)
    assert tuple(table) == ("kind", *COLUMNS[kind]) and len(table) == 13 and set(table["kind"]) == {kind}
    torch.testing.assert_close(values, values.round(), atol=1e-4, rtol=0)
    assert float(values.min()) >= 0 and float(values.max()) <= 255
    assert (pool.images.std((1, 2)) > 0).all() and len(set(map(bytes, pool.images.numpy()))) == 13
    for name, (low, high) in (RANGES | {"contrast": CONTRASTS.get(kind, (0, 0))}).items():
        known = table[name].dropna() if name in table else np.array([])
        assert len(known) == 0 or (known.between(low, high).all() and known.nunique() == len(known)), name
    for place, row in enumerate(table.to_dict("records") if kind in AGAIN else []):
        torch.testing.assert_close(values[place], AGAIN[kind](row).double() * 255, atol=0.51, rtol=0)


def test_gratings_of_a_pool_have_every_aperture_and_both_waveforms():
    table = stimulus_pool(13, np.random.default_rng(0), resolution=0.1).parameters
    assert set(table["aperture"]) == {"none", "hard", "gaussian"} and set(table["waveform"]) == {"sine", "square"}
    sizes = table.groupby("aperture")["aperture_size"]
    assert sizes.count()["none"] == 0
    assert sizes.min()["hard"] >= 0.3 and sizes.min()["gaussian"] >= 0.1 and sizes.max()["gaussian"] <= 0.3


def test_textures_of_a_pool_are_half_noise_half_photographs_with_random_phases():
    pool = stimulus_pool(13, np.random.default_rng(0), kinds=["textures"], resolution=0.1)
    noise, scrambled = pool.parameters.iloc[:7], pool.parameters.iloc[7:]
    assert noise["photograph"].isna().all() and noise["contrast"].notna().all()
    assert 0 < noise["orientation"].isna().sum() < 7  # some of all orientations
    assert pool.images[:7].std((1, 2)).numpy() == pytest.approx(noise["contrast"].to_numpy(), rel=0.05)
    assert scrambled["photograph"].notna().all() and scrambled["contrast"].isna().all()


def test_a_pool_of_all_kinds_has_as_many_of_each():
    pool = stimulus_pool(10, np.random.default_rng(0), kinds=list(COLUMNS), resolution=0.1)
    counts = pool.parameters["kind"].value_counts(sort=False).to_dict()
    assert counts == {"gratings": 3, "plaids": 3, "textures": 2, "photographs": 2}
    assert set(pool.parameters) == {"kind"}.union(*COLUMNS.values())
    assert pool.parameters.loc[pool.parameters["kind"] == "photographs", "orientation"].isna().all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kinds": ["gratings", "moire"]}, "each must be one of gratings, plaids, textures, photographs"),
        ({"kinds": ["plaids", "plaids"]}, "listed once"),
        ({"n": 1, "kinds": ["plaids", "gratings"]}, "n is 1 for 2 kinds"),
        ({"kinds": ["photographs"], "resolution": 5.0}, "resolution is 5; patches of 2400 x 3200 pixels fit into none"),
    ],
)
def test_pools_that_cannot_be_drawn_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        stimulus_pool(**{"n": 4, "rng": np.random.default_rng(0)} | options)
