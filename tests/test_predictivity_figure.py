"""The picture of predictivity: every row named, no number over another, no failed fit that squashes the rest."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from normenc import figures
from normenc.figures.common import figure_of
from normenc.figures.predictivity import MOST_NAMED


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def rows(n_layers: int, seed: int = 0) -> pd.DataFrame:
    """So many trained layers, two controls, and a network that was fitted to the neurons, close to each other."""
    rng = np.random.default_rng(seed)
    kinds = ["trained layer"] * n_layers + ["control"] * 2 + ["fitted to the neurons"]
    n = len(kinds)
    values = rng.normal(0.3, 0.02, n)
    return pd.DataFrame(
        {
            "recording": "V1",
            "encoder": [f"{kind} {number} with a rather long name" for number, kind in enumerate(kinds)],
            "kind": kinds,
            "similarity": rng.normal(0.5, 0.02, n),
            **{"similarity_low": 0.4, "similarity_high": 0.6},
            "feve": values,
            **{"feve_low": values - 0.1, "feve_high": values + 0.1},
            **{"ceiling_lower": 0.8, "ceiling_upper": 0.9},
        }
    )


def numbers(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def legend(axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


@pytest.mark.parametrize("n_layers", [3, 14, 30])
def test_every_row_has_a_number_in_picture_and_legend(n_layers):
    axes = figures.predictivity(rows(n_layers))
    assert numbers(axes) == [str(k) for k in range(1, n_layers + 4)]
    assert [entry.split()[0] for entry in legend(axes)] == numbers(axes)


@pytest.mark.parametrize("n_layers", [3, 14, 30])
def test_no_number_stands_over_another_or_over_a_point(n_layers):
    table = rows(n_layers)
    axes = figures.predictivity(table)
    figure = figure_of(axes)
    figure.draw_without_rendering()
    boxes = [Text.get_window_extent(text) for text in axes.texts]  # without the line to its point
    for place, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[place + 1 :]), numbers(axes)[place]
    points = axes.transData.transform(table[["similarity", "feve"]])
    for text, box in zip(numbers(axes), boxes, strict=True):
        assert not any(box.contains(*point) for point in points), text
    assert figure.bbox.containsx(axes.get_legend().get_window_extent().x1)


def test_a_failed_fit_stands_at_the_edge_with_its_value():
    table = rows(4)
    table.loc[6, ["feve", "feve_low", "feve_high"]] = [-17.8, -20, -15]
    axes = figures.predictivity(table)
    assert axes.get_ylim()[0] == -1
    assert axes.get_ylim()[1] < 1.2
    edge = [line for line in axes.lines if line.get_marker() == "v"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in edge] == [(table["similarity"][6], -1)]
    assert numbers(axes)[-1] == "7: −17.8"
    assert not [line for line in axes.lines if np.min(line.get_ydata()) < -1]


def test_a_row_without_a_score_is_named_and_not_drawn():
    table = rows(2)
    table.loc[4, ["similarity", "similarity_low", "similarity_high", "feve", "feve_low", "feve_high"]] = np.nan
    axes = figures.predictivity(table)
    assert numbers(axes) == ["1", "2", "3", "4"]
    assert legend(axes)[-1].endswith("(no score)")


def test_of_very_many_rows_the_rest_is_counted():
    table = rows(60)
    axes = figures.predictivity(table)
    assert len(numbers(axes)) == MOST_NAMED
    entries = legend(axes)
    assert entries[-1] == f"{63 - MOST_NAMED} other trained layers"
    assert sum("control" in entry for entry in entries) == 2
    assert sum("fitted" in entry for entry in entries) == 1
    named = table["similarity"].nlargest(MOST_NAMED - 3).index  # of the layers; controls have numbers in any case
    best = table.loc[named[0], "encoder"].split(" with")[0]
    assert any(best in " ".join(entry.split()) for entry in entries)


def test_the_axes_show_the_points_and_not_the_reach_of_wide_intervals():
    wide = {"similarity_low": -1.0, "similarity_high": 1.0, "feve_low": -0.9, "feve_high": 1.5}
    table = rows(8).assign(**wide)
    axes = figures.predictivity(table)
    for ends, values in ((axes.get_xlim(), table["similarity"]), (axes.get_ylim(), table["feve"])):
        assert ends[0] < values.min() < values.max() < ends[1]
        assert ends[1] - ends[0] < 1
    assert axes.get_xlim()[1] > 0.8  # the noise ceiling is seen
    assert "intervals are cut" in axes.get_xlabel()
    assert "1 is a perfect model" in axes.get_ylabel()
    assert not [line for line in axes.lines if set(line.get_ydata()) == {1}]


def test_a_perfect_model_is_drawn_where_encoders_come_near_it():
    axes = figures.predictivity(rows(8).assign(feve=0.7, feve_low=0.65, feve_high=0.75))
    assert axes.get_ylim()[1] > 1
    assert [line for line in axes.lines if set(line.get_ydata()) == {1}]
    assert axes.get_xlabel() == "similarity of RDMs"
