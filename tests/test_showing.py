"""Results show themselves: briefly at the prompt, as a table in a notebook, as pictures and as labelled arrays."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from normenc import networks, quality, recordings, rsa, tasks, training, tuning

HOSTILE = '<script>alert("1")</script> & $x^2$ \u202eltr'


@pytest.fixture(scope="module")
def v1():
    return recordings.load("simulated-v1", n_neurons=60)


@pytest.fixture(scope="module")
def inference(v1):
    own = rsa.rdm(v1.responses)
    angles = np.radians(v1.orientation)
    circular = 1 - np.cos(2 * (angles[:, None] - angles))
    return rsa.infer(
        {HOSTILE: circular, "itself": own, "seeds": np.stack([own, own**2])[:1]},
        responses=v1.responses,
        ordered=True,
        n_samples=20,
        n_permutations=40,
    )


@pytest.fixture(scope="module")
def trained():
    return training.train(networks.ConvPoolFC, tasks.TiltDiscrimination(), seed=1, n_epochs=2, progress=False)


@pytest.fixture(scope="module")
def summary(v1):
    return tuning.population_summary(v1.responses, v1.stimulus)


@pytest.fixture(scope="module")
def shown(v1, inference, trained, summary):
    streamed = recordings.stream_rdm(v1.responses.to_numpy(), v1.stimulus)
    checked = quality.check(replace(v1, name=HOSTILE, trials=None))
    return {
        "recording": replace(v1, name=HOSTILE, area=HOSTILE, notes=(HOSTILE,)),
        "streamed": streamed,
        "inference": inference,
        "quality": checked,
        "training": trained,
        "tuning": summary,
    }


class Texts(HTMLParser):
    """Which elements there are, and all text, as a browser would take it."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.texts = set(), []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)

    def handle_data(self, data):
        self.texts.append(data)


@pytest.mark.parametrize("name", ["recording", "streamed", "inference", "quality", "training", "tuning"])
class TestEveryResult:
    def test_is_one_line_without_arrays_at_the_prompt(self, shown, name):
        said = repr(shown[name])
        assert "\n" not in said and len(said) < 350
        assert said.startswith(f"<{type(shown[name]).__name__}: ")
        assert not re.search(r"array\(|<xarray|dtype|\u202e", said)

    def test_is_a_table_in_a_notebook_where_labels_are_text(self, shown, name):
        page = shown[name]._repr_html_()
        read = Texts(page)
        assert read.elements <= {"div", "p", "strong", "table", "thead", "tbody", "tr", "th", "td"}
        assert "table" in read.elements
        assert "\u202e" not in page
        assert 'class="tex2jax_ignore mathjax_ignore"' in page  # dollars are dollars
        said = " ".join(read.texts)
        if name in ("recording", "inference", "quality"):
            assert '<script>alert("1")</script> & $x^2$ \\u202eltr' in said

    def test_has_a_summary_that_can_be_changed(self, shown, name):
        table = shown[name].summary()
        assert isinstance(table, pd.DataFrame) and len(table)
        before = repr(shown[name].summary())
        table.iloc[:, 0] = table.iloc[::-1, 0].to_numpy()
        assert repr(shown[name].summary()) == before


def test_summaries_hold_what_the_result_holds(shown, v1):
    recording = shown["recording"].summary()["value"]
    assert recording["stimuli"] == "181 orientations, -90 to 90 degrees" and recording["neurons"] == 60
    inference = shown["inference"]
    pd.testing.assert_frame_equal(
        inference.summary()[["model", "similarity"]], inference.models[["model", "similarity"]]
    )
    result = shown["training"]
    facts = result.summary()["value"]
    assert facts["parameters"] == sum(p.numel() for p in result.network.parameters())
    assert facts["held_out_score"] == result.log.held_out_score
    assert shown["quality"].summary().loc["verdict", "value"] == shown["quality"].verdict
    tuned = shown["tuning"]
    assert tuned.summary().loc["orientation", "n_tuned"] == tuned.orientation.n_tuned
    above = shown["streamed"].rdm[np.triu_indices(181, 1)]
    assert shown["streamed"].summary().loc["largest", "value"] == above.max()


def test_a_recording_known_by_rdms_shows_itself():
    matrices = np.array([[[0, 1, 2], [1, 0, 3], [2, 3, 0]]] * 2) / 3
    people = recordings.Recording.from_rdm("people", matrices, image=["a", "b", "c"], rdm_metric="euclidean")
    assert people.summary().loc["known by", "value"] == "2 RDMs"
    assert people.summary().loc["subjects", "value"] == 2
    drawn = people.plot().images[0].get_array()
    expected = np.array([[0, 1, 3], [1, 0, 5], [3, 5, 0]]) / 6 * 100  # percentiles, as of all images
    np.testing.assert_allclose(drawn, expected)
    plt.close("all")


def test_pictures_show_the_numbers(shown, v1, inference):
    axes = v1.plot()
    np.testing.assert_allclose(axes.images[0].get_array(), rsa.rdm(v1.responses))
    bars = inference.plot("V1")
    np.testing.assert_allclose([bar.get_width() for bar in bars.patches[-3:]], inference.models["similarity"])
    assert "V1" in bars.get_title() and "Pearson" in bars.get_xlabel()
    loss = shown["training"].plot()
    np.testing.assert_array_equal(loss.lines[0].get_ydata(), shown["training"].log.loss)
    tuned = shown["tuning"].plot()
    assert tuned.name == "polar"
    plt.close("all")


def test_pictures_are_drawn_on_given_axes(v1, inference, trained, summary):
    figure, axes = plt.subplots(1, 3)
    assert v1.plot(axes=axes[0]) is axes[0]
    assert inference.plot(axes=axes[1]) is axes[1]
    assert trained.plot(axes=axes[2]) is axes[2]
    polar = figure.add_subplot(2, 2, 4, polar=True)
    assert summary.plot(axes=polar) is polar
    plt.close("all")


def test_labelled_arrays(shown, v1, inference):
    assert v1.to_xarray().identical(recordings.to_xarray(v1))
    dataset = inference.to_xarray()
    models = inference.models.set_index("model")
    assert dataset["similarity"].sel(model="itself").item() == models.loc["itself", "similarity"]
    one, other = {"model": HOSTILE, "other": "itself"}, {"model": "itself", "other": HOSTILE}
    pair = inference.pairs.iloc[0]
    assert (pair["model"], pair["other"]) == (HOSTILE, "itself")
    for name in ("difference", "difference_low", "difference_p_holm"):
        assert dataset[name].sel(one).item() == pair[name.removeprefix("difference_")]
    assert dataset["difference"].sel(other).item() == -pair["difference"]
    assert dataset["difference_low"].sel(other).item() == -pair["high"]
    assert dataset["difference_p"].sel(other).item() == pair["p"]
    assert dataset["ceiling_lower"].item() == inference.ceiling.lower
    assert dataset["ceiling_upper_high"].item() == inference.ceiling_intervals[1, 1]
    losses = shown["training"].to_xarray()
    assert losses.attrs["held_out_score"] == shown["training"].log.held_out_score
    assert losses.sel(step=losses["epoch"] == 2).size == losses.size / 2
    assert shown["tuning"].to_xarray()["tuned"].sum() == shown["tuning"].n_tuned
    assert shown["streamed"].to_xarray().sel(stimulus=0.0, stimulus_2=90.0).item() == shown["streamed"].rdm[90, 180]


@pytest.mark.parametrize("name", ["recording", "inference", "training", "tuning", "streamed"])
def test_labelled_arrays_can_be_saved(shown, name, tmp_path):
    labelled = shown[name].to_xarray()
    labelled.to_netcdf(tmp_path / "one.nc", engine="h5netcdf")
    read = xr.load_dataset if isinstance(labelled, xr.Dataset) else xr.load_dataarray
    xr.testing.assert_equal(read(tmp_path / "one.nc", engine="h5netcdf"), labelled)


def test_results_of_arrays_tell_their_shapes_and_read_nothing():
    class Lazy:
        """An array that may not be read."""

        shape, dtype = (3, 4), np.dtype("float32")

        def __array__(self, *_, **__):
            raise AssertionError("it was read")

    curves = tuning.TuningCurves(np.zeros(3), Lazy(), Lazy(), np.ones(3, dtype=int), 180.0)
    assert repr(curves).startswith("<TuningCurves: stimulus 3 float64, mean 3 × 4 float32, ")
    assert curves.summary().loc["standard_error", "value"] == "3 × 4 float32"
    found = rsa.Identification(pd.DataFrame({"truth": [HOSTILE], "share": [0.5]}), 10, {HOSTILE: "other"})
    for shown in (repr(found), found._repr_html_()):
        assert "\u202e" not in shown
    assert "<script>" not in found._repr_html_()
