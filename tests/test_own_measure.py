"""A measure that is added in this file alone is found in a run's settings, tables, pictures and methods paragraph."""

import html
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

from normenc import figures, recordings, report, rsa
from normenc.csv_tables import read_table
from normenc.rsa.pairs import upper
from normenc.study import Study, load_study, run


def overlap(x, y):
    """Dissimilarities that both share."""
    return np.minimum(x, y).sum() / np.maximum(x, y).sum()


OVERLAP = rsa.Measure(
    "overlap", overlap, symbol="Ruzicka J", phrase="the Ruzicka index", range=(0, 1), reference="Ruzicka M (1958)."
)
STUDY = {
    "name": "toy",
    "stimuli": {"resolution": 0.03},
    "task": {"n_train": 20, "n_test": 20},
    "network": {"name": "FC", "n_hidden": 4},
    "training": {"n_epochs": 1, "batch_size": 10},
    "comparison": {"method": "overlap", "other_measures": ["pearson"], "controls": ["pixels"], "n_samples": 50},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of a run by that measure."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(rsa.MEASURES, OVERLAP.name, OVERLAP)
        place = tmp_path_factory.mktemp("runs") / "toy"
        recordings.save(recordings.simulated_v1(20, n_stimuli=12), place.parent / "mine.npz")
        study = Study(**STUDY, recording={"source": str(place.parent / "mine.npz")})
        run(study, place, stages=("represent", "compare"), progress=False, device="cpu", page=report.write)
        assert load_study(place / "study.toml").comparison.method == "overlap"
        yield place


def test_it_stands_in_the_tables(folder):
    table = read_table(folder / "similarity.csv").set_index("encoder")
    assert set(table["comparison"]) == {"overlap"}
    assert set(table["ceiling"]) == {"no formula"}  # halves of the neurons give none
    with xr.open_dataset(folder / "rdms.nc") as file:
        names = (table["recording"].iloc[0], "pixels")
        mine, pixels = (upper(file["dissimilarity"].sel(population=name).to_numpy()) for name in names)
    assert table.loc["pixels", "similarity"] == pytest.approx(overlap(pixels, mine))
    assert (table["high"] <= 1).all()
    assert set(read_table(folder / "similarity_by_method.csv")["comparison"]) == {"pearson"}


def test_pictures_are_labelled_by_its_symbol(folder):
    table = read_table(folder / "similarity.csv")
    axes = figures.similarity_bars(table)
    assert axes.get_xlabel() == "similarity of RDMs (Ruzicka J; 1 is the same geometry)"
    assert "Ruzicka J" in figures.leaderboard(table)[-1].get_xlabel()
    plt.close("all")


def test_the_page_says_how_rdms_were_compared_and_by_whom(folder):
    text = html.unescape(re.sub(r"<[^>]+>", "", (folder / "report.html").read_text(encoding="utf-8")))
    assert re.search(r"Two matrices were compared by the Ruzicka index of their upper triangles \[\d\]\.", text)
    assert "Ruzicka M (1958)." in text
    assert "halves of a recording give one only for correlations" in text
