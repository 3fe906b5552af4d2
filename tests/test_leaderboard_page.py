"""The tables of docs/leaderboard.md say what the run's tables say."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import leaderboard_page as page

OTHERS = (
    ("twin", "untrained twin", 0.65),
    ("Fourier amplitude", "control", 0.55),
    ("Gabor energy", "control", 0.65),
)


def rows(table: str) -> list[list[str]]:
    """The cells of a table in Markdown, without its head."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


@pytest.fixture
def run():
    """Two norms and networks with a layer each: FC did not learn the second norm, although it is the most similar."""
    layers = [("tilt", "FC", 0.62), ("tilt", "deep", 0.7), ("digits", "FC", 0.95), ("digits", "deep", 0.5)]
    trained = pd.DataFrame(layers, columns=["task", "network", "similarity"]).assign(kind="trained layer", layer="fc")
    trained["encoder"] = trained["task"] + " " + trained["network"] + " fc"
    trained["score"], trained["chance"], trained["score_name"] = [1.0, 0.996, 0.2, 0.8], 0.1, "accuracy"
    trained["n_seeds"], trained["n_learned"], trained["learned"] = 3, [3, 3, 0, 2], [True, True, False, True]
    trained["low"], trained["high"] = trained["similarity"] - 0.1, trained["similarity"] + 0.1
    controls = pd.DataFrame({"encoder": page.RIVALS, "similarity": [0.55, 0.65], "low": 0.4, "high": 0.8})
    controls = controls.assign(kind="control", network=page.RIVALS, layer="energy", n_seeds=1)
    similarity = pd.concat([trained, controls], ignore_index=True).assign(resampled="seeds")
    differences = [
        {
            **layer,
            "other": other,
            "other_kind": kind,
            "difference": layer["similarity"] - value,
            "p": 0.01,
            "p_holm": 0.04,
        }
        for layer in trained.to_dict("records")
        for other, kind, value in OTHERS
    ]
    table = pd.DataFrame(differences)
    near, far = (
        table.assign(low=table["difference"] - width, high=table["difference"] + width) for width in (0.02, 0.9)
    )
    far = far.assign(p=0.0002, p_holm=1.0)
    seeds = pd.concat([trained.assign(seed=seed, perfect=1.0) for seed in range(2)], ignore_index=True)
    seeds["similarity"] += np.linspace(0, 0.04, len(seeds))
    seeds["score"] = -seeds["similarity"]
    epochs = pd.concat([trained.assign(epoch=epoch, similarity=trained["similarity"] * epoch) for epoch in (0, 10)])
    parts = trained.assign(variance_of="dissimilarities", unique=0.2, unique_low=0.1, unique_high=0.3, p=0.02, p_holm=1)
    return SimpleNamespace(
        similarity=similarity,
        similarity_by_scope=similarity.assign(low=0.1, high=0.9),
        differences=near,
        differences_by_scope=far,
        similarity_by_seed=seeds,
        over_training=epochs,
        partitioning=parts,
    )


def test_scores_of_networks_that_did_not_learn_are_in_italics(run):
    assert rows(page.scores(run)) == [
        ["tilt", "accuracy", "0.1", "1", "0.996"],
        ["digits", "accuracy", "0.1", "*0.2 (0 of 3)*", "0.8 (2 of 3)"],
    ]


def test_changes_are_counted_where_intervals_leave_out_zero_and_only_of_networks_that_learned(run):
    # tilt: -0.03 and +0.05, each surely so over these stimuli alone; digits: -0.15, and FC, which did not learn, is out
    assert rows(page.learning(run)) == [
        ["tilt", "2", "+0.010", "1 (1) / 1 (1)", "0 (0) / 0 (0)"],
        ["digits", "1", "-0.150", "0 (0) / 1 (1)", "0 (0) / 0 (0)"],
    ]


def test_the_best_layer_is_one_that_learned(run):
    (tilt, digits) = rows(page.best(run))
    assert tilt[:3] == ["tilt", "deep `fc`", "0.700"] and digits[:3] == ["digits", "deep `fc`", "0.500"]
    assert tilt[3] == "+0.050 (+0.030 to +0.070), p = 0.01 (0.04)"
    assert tilt[4] == "+0.050 (-0.850 to +0.950), p < 0.001 (1)"


def test_scopes_are_told_apart_by_what_was_resampled(run):
    expected = page.best(run)
    run.similarity["resampled"] = "stimuli seeds"
    run.differences, run.differences_by_scope = run.differences_by_scope, run.differences
    assert page.best(run) == expected


def test_layers_are_compared_with_both_rivals(run):
    (tilt, _) = rows(page.beyond(run))
    assert [cell.split()[0] for cell in tilt[1:5]] == ["+0.150", "+0.150", "+0.050", "+0.050"]
    assert tilt[5] == "0.200 (0.100 to 0.300), p = 0.02 (1)"


def test_competence_is_correlated_by_rank(run):
    # scores are the negative of similarities
    assert [row[1:] for row in rows(page.competence(run))] == [["4", "-1.00"], ["4", "-1.00"], ["8", "-1.00"]]


def test_checkpoints_are_means_over_layers_that_learned(run):
    assert rows(page.over_training(run)) == [["tilt", "0.000", "6.600"], ["digits", "0.000", "5.000"]]


def test_controls_are_ranked_with_the_intervals_of_other_stimuli(run):
    assert [row[0] for row in rows(page.controls(run))] == ["Gabor energy", "Fourier amplitude"]
    assert rows(page.controls(run))[0][1:] == ["0.650", "0.100 to 0.900"]


def test_the_trial_has_a_row_for_each_rival(run):
    as_before = rows(page.best(run))[0][4]
    trial = run.differences[run.differences["encoder"] == "tilt deep fc"]
    run.differences, run.differences_by_scope = trial, run.differences_by_scope.loc[trial.index]
    run.similarity = pd.concat([run.similarity, pd.DataFrame({"encoder": ["twin"], "similarity": [0.65]})])
    assert page.tested(run).startswith("| `tilt deep fc` (0.700) minus |")
    first, *others = rows(page.tested(run))
    assert first == ["twin (0.650)", "+0.050 (+0.030 to +0.070), p = 0.01 (0.04)", as_before]
    assert [row[0] for row in others] == ["Fourier amplitude (0.550)", "Gabor energy (0.650)"]


def test_only_marked_parts_of_the_page_are_rewritten(run, monkeypatch):
    monkeypatch.setattr(page, "tested", lambda trial: "the trial")
    text = "a\n<!-- trial: written by docs/leaderboard_page.py -->\nold\n<!-- end -->\nb\n"
    assert page.written(text, run, run, run, run) == text.replace("old\n", "\nthe trial\n\n")
