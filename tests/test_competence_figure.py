"""Networks that did not learn their task are pale, and competence is drawn against similarity."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from normenc import figures
from normenc.errors import InputError
from normenc.figures.common import NOT_LEARNED, PALE

REFERENCES = {"recording": "V1", "comparison": "pearson", "ceiling_lower": 0.8, "ceiling_upper": 0.9}


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def similarity():
    """Two networks, the more similar of which did not learn its task, a twin and a control."""
    encoders = ["rotation FC fc", "tilt FC fc", "FC fc, untrained", "pixels"]
    table = pd.DataFrame({"encoder": encoders, "task": ["rotation", "tilt", None, None], "layer": "fc", "n_seeds": 2})
    table["network"] = ["FC", "FC", "FC", "pixels"]
    table["kind"] = ["trained layer", "trained layer", "untrained twin", "control"]
    table["seed"] = pd.array([1, 1, 1, None], dtype="Int64")
    table["learned"] = pd.array([False, True, None, None], dtype="boolean")
    table["similarity"] = [0.7, 0.6, 0.5, 0.65]
    table["low"], table["high"], table["p_permutations_holm"] = table["similarity"] - 0.1, 0.75, 0.01
    return table.assign(**REFERENCES)


def by_seed():
    """Two seeds of two layers: tilt by accuracy, rotation by an error."""
    rows = [
        ("tilt", "pool", 1, 0.30, 1.0), ("tilt", "pool", 2, 0.40, 0.75),
        ("tilt", "fc", 1, 0.50, 1.0), ("tilt", "fc", 2, 0.10, 0.75),
        ("rotation", "fc", 1, 0.20, 9.0), ("rotation", "fc", 2, 0.25, 45.0),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["task", "layer", "seed", "similarity", "score"])
    table["chance"] = np.where(table["task"] == "tilt", 0.5, 22.5)
    table["perfect"] = np.where(table["task"] == "tilt", 1.0, 0.0)
    table["learned"] = [True, True, True, True, True, False]
    return table.assign(recording="V1", network="FC", kind="trained layer")


def legend(figure):
    legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes)]
    return [text.get_text() for one in legends if one is not None for text in one.get_texts()]


def test_bars_of_networks_that_did_not_learn_are_pale():
    axes = figures.similarity_bars(similarity())
    bars = axes.containers
    assert [bar[0].get_linestyle() in ("--", "dashed") for bar in bars] == [True, False, False, False]
    assert [bar[0].get_facecolor()[3] for bar in bars] == [PALE / 2, 1.0, 1.0, 1.0]
    assert NOT_LEARNED in legend(axes.figure)
    assert NOT_LEARNED not in legend(figures.similarity_bars(similarity().drop(columns="learned")).figure)


def test_on_the_leaderboard_they_are_pale_and_last():
    panels = figures.leaderboard(similarity())
    assert [label.get_text() for label in panels[0].get_yticklabels()] == ["tilt: FC", "rotation: FC"]
    points = [line for line in panels[0].lines if line.get_marker() == "o"]
    assert [(line.get_xdata()[0], line.get_alpha()) for line in points] == [(0.6, 1.0), (0.7, PALE)]
    assert NOT_LEARNED in legend(panels[0].figure)


def test_ranks_over_training_and_several_runs_are_pale_too():
    both = pd.concat([similarity(), similarity().assign(comparison="cosine")])
    axes = figures.measure_ranks(both)
    assert sorted(line.get_alpha() for line in axes.lines) == [PALE, 1.0, 1.0, 1.0]
    panels = figures.over_training(similarity().iloc[:2].assign(epoch=[0, 0]), similarity())
    assert [panel.lines[-1].get_alpha() for panel in panels.flat] == [PALE, 1.0]
    axes = figures.run_comparison(similarity().assign(label="one"))
    assert sorted(line.get_alpha() for line in axes.lines if line.get_marker() == "o") == [PALE, 1.0, 1.0, 1.0]
    for figure in map(plt.figure, plt.get_fignums()):
        assert NOT_LEARNED in legend(figure)


def test_competence_is_scaled_from_chance_to_a_perfect_answer():
    axes = figures.competence(by_seed(), similarity())
    points = [(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if line.get_linestyle() == "None"]
    # Of tilt the layer pool is the more similar one in the mean; 9 degrees are 0.6 of the way from 22.5 to 0.
    np.testing.assert_allclose(points, [(1.0, 0.3), (0.5, 0.4), (0.6, 0.2), (-0.5, 0.25)])  # -1 is drawn at the end
    assert "worse than −0.5 is drawn there" in axes.get_xlabel().replace("\n", " ")
    assert legend(axes.figure) == ["tilt", "rotation", NOT_LEARNED, "best control", "noise ceiling"]


def test_competence_that_is_not_known_is_not_drawn():
    with pytest.raises(InputError, match="a score whose chance and best are known"):
        figures.competence(by_seed().assign(perfect=np.nan))
    with pytest.raises(InputError, match="no column 'score'"):
        figures.competence(by_seed().drop(columns="score"))


def test_ten_tasks_are_told_apart_by_their_colours():
    table = pd.concat([by_seed()[:1].assign(task=f"task {k}") for k in range(10)], ignore_index=True)
    points = [line for line in figures.competence(table).lines if line.get_linestyle() == "None"]
    colours = np.array([to_rgb(line.get_color()) for line in points])
    apart = np.linalg.norm(colours[:, None] - colours, axis=2)[np.triu_indices(10, 1)]
    assert len(points) == 10 and apart.min() > 0.25
