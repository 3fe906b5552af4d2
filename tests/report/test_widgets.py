"""Interactive figures of a run for a notebook: what they hold, and that hostile names are text."""

import numpy as np
import pytest
from hostile import NAMES, ORIENTATION

from normenc.errors import InputError
from normenc.runs import Run

REQUESTS = ("https://cdn", 'src="http', "MathJax.js")


def test_rdms_are_those_of_the_run(hostile_run):
    widget = hostile_run.rdm_widget()
    shown = hostile_run.shown_rdms
    assert len(widget.data) == len(shown)
    for trace, rdm in zip(widget.data, shown.to_numpy(), strict=True):
        np.testing.assert_allclose(trace.z, rdm, atol=1e-6)  # float32
    assert widget.data[0].x[0] == "−90°" and len(set(widget.data[0].x)) == 12
    chosen = [button.args[0]["visible"] for button in widget.layout.updatemenus[0].buttons]
    np.testing.assert_array_equal(chosen, np.eye(len(shown) - 1, dtype=bool))


def test_tuning_curves_are_means_over_trials(hostile_run):
    widget = hostile_run.tuning_widget()
    trials = hostile_run.evaluation.recording.trials.to_numpy().reshape(12, 4, 9)
    np.testing.assert_array_equal(widget.data[0].x, ORIENTATION)
    steps = widget.layout.sliders[0].steps
    curves = np.array([step.args[0]["y"][0] for step in steps])
    np.testing.assert_allclose(curves, trials.mean(axis=1).T, rtol=1e-5)
    errors = np.array([step.args[0]["error_y.array"][0] for step in steps])
    np.testing.assert_allclose(errors, trials.std(axis=1, ddof=1).T / 2, rtol=1e-4)
    assert len(steps) == len(NAMES)


@pytest.mark.parametrize("name", ["rdm_widget", "tuning_widget"])
def test_a_widget_needs_no_network_and_shows_names_as_text(hostile_run, name):
    widget = getattr(hostile_run, name)()
    bundle = widget._repr_mimebundle_()
    assert set(bundle) == {"application/vnd.plotly.v1+json", "text/html", "text/plain"}
    assert "\n" not in bundle["text/plain"] and len(bundle["text/plain"]) < 200
    outside_the_library = bundle["text/html"].rpartition("Plotly.newPlot")
    assert not [own for own in REQUESTS if own in outside_the_library[0][-5000:] + outside_the_library[2]]
    own = str(bundle["application/vnd.plotly.v1+json"]).replace("<extra></extra>", "")
    assert "<" not in own and "\u202e" not in own
    assert "$" not in own  # no formula


def test_a_population_without_tuning_is_refused(hostile_run):
    with pytest.raises(InputError, match="no tuning of 'nothing'; this run has that of mine, "):
        hostile_run.tuning_widget("nothing")


def test_a_run_shows_itself_without_reading_arrays(hostile_run):
    run = Run.open(hostile_run.folder)
    said = repr(run), run._repr_html_(), repr(run.figures), run.figures._repr_html_()
    assert not {"rdms", "representations", "populations", "shown_rdms"} & set(vars(run))
    assert all("<script>" not in own for own in said)
    table = run.figures.summary()
    assert table["figure"].tolist() == list(run.figures)
    assert table.set_index("figure").loc["rdms", "caption"] == run.figures.caption("rdms")


def test_a_picture_is_shown_inline(hostile_run):
    picture = hostile_run.figures["similarity_bars"]
    assert repr(picture).startswith("<Picture: similarity_bars of ")
    assert picture._repr_png_().startswith(b"\x89PNG")
