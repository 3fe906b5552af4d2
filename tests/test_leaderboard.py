"""The leaderboard, similarity over training, and what the page says of many encoders."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from normenc import figures
from normenc.errors import InputError
from normenc.report import findings


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def similarity(n_tasks: int = 2) -> pd.DataFrame:
    rows = []
    for task in range(n_tasks):
        for model, values in (("FC", (0.3, 0.4)), ("CNN", (0.6, 0.2))):
            for layer, value in zip(("pool", "fc"), values, strict=True):
                label = f"task {task} {model} {layer}"
                rows.append((label, f"task {task}", model, layer, "trained layer", 1, value + task / 10))
    rows += [("CNN fc, untrained", None, "CNN", "fc", "untrained twin", 1, 0.1)]
    rows += [("pixels", None, "pixels", "pixels", "control", None, 0.55)]
    table = pd.DataFrame(rows, columns=["encoder", "task", "network", "layer", "kind", "seed", "similarity"])
    return table.assign(
        recording="V1",
        comparison="pearson",
        seed=table["seed"].astype("Int64"),
        low=table["similarity"] - 0.1,
        high=table["similarity"] + 0.1,
        ceiling="neurons",
        ceiling_lower=0.8,
        ceiling_upper=0.9,
        p_ceiling_holm=0.01,
        p_permutations_holm=[0.01] * (len(table) - 2) + [0.5, 0.01],
        chance="label permutations",
    )


def test_the_leaderboard_ranks_encoders_by_their_best_layer_and_sets_controls_apart():
    axes = figures.leaderboard(similarity())
    names = [[tick.get_text() for tick in panel.get_yticklabels()] for panel in axes]
    assert names == [["task 1: CNN", "task 0: CNN", "task 1: FC", "task 0: FC"], ["CNN"], ["pixels"]]
    points = [
        (line.get_xdata()[0], to_hex(line.get_markerfacecolor()))
        for line in axes[0].lines
        if line.get_marker() not in ("None", None, "")
    ]
    assert [round(x, 2) for x, _ in points[:2]] == [0.7, 0.3]
    intervals = [tuple(np.round(line.get_xdata(), 2)) for line in axes[0].lines if len(line.get_xdata()) == 2]
    assert (0.6, 0.8) in intervals
    best = [line for panel in axes for line in panel.lines if line.get_linestyle() == "--"]
    assert [float(line.get_xdata()[0]) for line in best] == [0.55] * 3
    assert to_hex(next(line for line in axes[1].lines if line.get_marker() == "s").get_markerfacecolor()) == "#ffffff"


def test_many_recordings_on_one_leaderboard_are_refused():
    two = pd.concat([similarity(), similarity().assign(recording="V2")])
    with pytest.raises(InputError, match="one recording and one comparison"):
        figures.leaderboard(two)


def test_similarity_over_training_has_a_line_a_layer_and_the_best_control():
    rows = [
        ("V1", "tilt", "CNN", layer, epoch, value + epoch / 10, value, value + 0.8)
        for layer, value in (("pool", 0.1), ("fc", 0.0))
        for epoch in (0, 1, 5)
    ]
    columns = ["recording", "task", "network", "layer", "epoch", "similarity", "low", "high"]
    axes = figures.over_training(pd.DataFrame(rows, columns=columns), similarity())
    lines = [line for line in axes.flat[0].lines if line.get_marker() in "os"]
    np.testing.assert_allclose([line.get_ydata() for line in lines], [[0.1, 0.2, 0.6], [0.0, 0.1, 0.5]])
    assert [tick.get_text() for tick in axes.flat[0].get_xticklabels()] == ["0", "1", "5"]
    assert any(line.get_linestyle() == "--" and line.get_ydata()[0] == 0.55 for line in axes.flat[0].lines)
    with pytest.raises(InputError, match="one recording"):
        figures.over_training(pd.DataFrame(columns=columns))


def differences(p: float) -> pd.DataFrame:
    rows = []
    for row in similarity(4).query("kind == 'trained layer'").itertuples():
        twin = f"{row.network} {row.layer}, untrained"
        rows.append((row.encoder, twin, "untrained twin", row.similarity - 0.1))
        rows.append((row.encoder, "pixels", "control", row.similarity - 0.55))
    table = pd.DataFrame(rows, columns=["encoder", "other", "other_kind", "difference"])
    return table.assign(low=table["difference"] - 0.1, high=table["difference"] + 0.1, p_holm=p)


def test_of_many_layers_the_page_tells_the_best_and_counts_the_others():
    said = findings(similarity(4), differences(0.01))
    assert said[0].startswith(
        "Of the trained layers, task 3 CNN pool matches the recording “V1” best, with a similarity of 0.900"
    )
    how = "(p-values Holm-corrected for 32 comparisons)"
    assert said[1] == f"All 16 trained layers are significantly more similar than their untrained twins {how}."
    assert said[2] == (
        "Of 16 trained layers, 7 are significantly more similar than pixels and 9 are significantly less similar than "
        f"pixels {how}."
    )
    assert said[3].startswith("task 3 CNN pool is significantly more similar after training than before")
    assert said[4].startswith(
        "Compared with the controls, which were never trained, task 3 CNN pool is significantly more similar than "
        "pixels"
    )
    assert len(said) == 7


def test_of_many_layers_nothing_is_claimed_that_is_not_sure():
    said = findings(similarity(4), differences(0.2))
    how = "(p-values Holm-corrected for 32 comparisons)"
    assert said[2] == f"None of the 16 trained layers differed significantly from pixels {how}."
    assert "task 3 CNN pool did not differ significantly from pixels (" in said[4]
