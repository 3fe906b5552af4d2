"""Networks that did not learn their task are told, and never chosen as the best."""

import numpy as np
import pandas as pd
import pytest

from normenc.report.answering import answer
from normenc.report.competence_sentences import none_learned, not_learned
from normenc.report.learned import learned_rows, never_learned
from normenc.report.rank_sentences import rank_sentences
from normenc.report.sentences import findings


@pytest.fixture
def similarity():
    """Rotation, which was not learned, is more similar than tilt, which was."""
    encoders = ["rotation FC fc", "tilt FC fc", "FC fc, untrained", "pixels"]
    table = pd.DataFrame({"encoder": encoders, "recording": "V1", "comparison": "pearson"})
    table["task"], table["network"] = ["rotation", "tilt", None, None], ["FC", "FC", "FC", "pixels"]
    table["kind"] = ["trained layer", "trained layer", "untrained twin", "control"]
    table["score_name"] = ["mean absolute error in degrees", "accuracy", None, None]
    table["score"], table["chance"] = [22.3, 0.99, np.nan, np.nan], [22.5, 0.5, np.nan, np.nan]
    table["learned"] = pd.array([False, True, None, None], dtype="boolean")
    table["similarity"] = [0.7, 0.6, 0.5, 0.65]
    table["low"], table["high"] = table["similarity"] - 0.1, table["similarity"] + 0.1
    table["ceiling"], table["ceiling_lower"], table["ceiling_upper"] = "none", np.nan, np.nan
    table["p_ceiling_holm"], table["p_permutations_holm"] = np.nan, 0.01
    return table


@pytest.fixture
def differences():
    layers = ["rotation FC fc", "tilt FC fc"]
    table = pd.DataFrame({"encoder": np.repeat(layers, 2), "other": ["FC fc, untrained", "pixels"] * 2})
    table["other_kind"] = ["untrained twin", "control"] * 2
    table["difference"], table["p_holm"] = [0.2, 0.05, 0.1, -0.05], 0.01
    table["low"], table["high"] = table["difference"] - 0.02, table["difference"] + 0.02
    return table


def test_the_answer_is_about_a_network_that_learned(similarity, differences):
    said = answer(similarity, differences, more=["Intervals generalise over seeds.", "No stimuli tell them apart."])
    assert said[0].startswith(
        "Training makes tilt FC fc, the best match of the networks that learned their task, significantly more similar "
        "to the recording “V1” (difference +0.100"
    )
    assert said[1] == (
        "One of two networks did not learn its task: FC reaches 22.3 (mean absolute error in degrees; chance 22.5) in "
        "rotation."
    )
    assert len(said) == 5
    some = not_learned(similarity.assign(n_learned=[1, 2, np.nan, np.nan]))  # of three seeds each
    assert some.startswith("One of two networks did not learn its task in most of its seeds: FC reaches 22.3")
    assert said[3].endswith("; intervals generalise over seeds.")
    assert not any("rotation FC" in sentence for sentence in said)


def test_if_no_network_learned_the_answer_says_so_first_and_claims_nothing_of_the_task(similarity, differences):
    similarity.loc[1, ["score", "learned"]] = [0.52, False]
    first, level = answer(similarity, differences)
    assert first == (
        "None of the two networks learned its task, so this study cannot show whether learning it helps to explain a "
        "recording: FC reaches 22.3 (mean absolute error in degrees; chance 22.5) in rotation; FC reaches 0.520 "
        "(accuracy; chance 0.500) in tilt."
    )
    assert level.startswith("The similarity of pixels, the most similar of the other encoders, is 0.650")
    assert not never_learned(similarity)  # they were trained


def test_what_is_not_known_is_not_held_against_a_network(similarity, differences):
    unknown = similarity.assign(learned=np.nan)
    for table in (unknown, similarity.drop(columns="learned")):
        said = answer(table, differences)
        assert said[0].startswith("Training helps to explain the recording “V1”: it makes rotation FC fc, the trained")
        assert not_learned(table) == none_learned(table) == ""
        assert len(learned_rows(table)) == 2


def test_findings_leave_out_networks_that_did_not_learn(similarity, differences):
    said = findings(similarity, differences)
    assert said[0].startswith(
        "Of the trained layers of networks that learned their task, tilt FC fc matches the recording “V1” best"
    )
    assert said[1] == not_learned(similarity)
    assert not any("rotation FC fc is" in sentence for sentence in said)


def test_the_best_layer_by_other_measures_is_one_that_learned(similarity):
    other = similarity.assign(comparison="spearman", similarity=[0.1, 0.2, 0.3, 0.4])
    third = similarity.assign(task=["third", None, None, None], encoder=["third", *similarity["encoder"][1:]]).iloc[:1]
    own = pd.concat([similarity, third.assign(learned=True, similarity=0.3)], ignore_index=True)
    others = pd.concat([other, third.assign(learned=True, similarity=0.9, comparison="spearman")], ignore_index=True)
    first = rank_sentences(own, others)[0]
    assert "most similar layer that learned" in first
    assert first.startswith("By Pearson r, tilt FC fc is the most similar layer that learned; it is third by Spearman")
