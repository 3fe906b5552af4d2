"""The answer of a run, over a table of cases whose truth is planted."""

import numpy as np
import pandas as pd
import pytest

from normenc.report import answer
from normenc.report.identified import could_have_told
from normenc.report.scope_words import other_scope_sentence, scope_sentence
from normenc.rsa.scopes import TILED

NOT = float("nan")
TRAINED, TWIN, CONTROL = "trained layer", "untrained twin", "control"


def planted(twin=(0.1, 0.06, 0.14, 0.01), controls=((0.2, 0.15, 0.25, 0.01),), best=0.5, **columns):
    """Tables of the layer pool: its difference from its twin and from controls, as value, low, high, corrected p."""
    rows = [("pool", TRAINED, best), ("pool, untrained", TWIN, best - (0 if twin is None else twin[0]))]
    rows += [(f"c{k}", CONTROL, best - own[0]) for k, own in enumerate(controls, 1)]
    similarity = pd.DataFrame(rows, columns=["encoder", "kind", "similarity"]).assign(recording="V1")
    similarity = similarity.assign(low=similarity["similarity"] - 0.05, high=similarity["similarity"] + 0.05)
    similarity = similarity.assign(
        comparison="pearson",
        ceiling="neurons",
        ceiling_lower=0.9,
        p_ceiling_holm=0.001,
        p_permutations_holm=0.01,
        p_shifts_holm=NOT,
    ).assign(**columns)
    against = [] if twin is None else [("pool, untrained", TWIN, *twin)]
    against += [(f"c{k}", CONTROL, *own) for k, own in enumerate(controls, 1)]
    differences = pd.DataFrame(
        [("pool", *own) for own in against],
        columns=["encoder", "other", "other_kind", "difference", "low", "high", "p_holm"],
    )
    return similarity, differences


@pytest.mark.parametrize(
    ("tables", "first", "second"),
    [
        pytest.param(
            {},
            "Training helps to explain the recording “V1”: it makes pool, the trained layer that matches best, "
            "significantly more similar (difference +0.100, 95 % CI +0.060 to +0.140; p = 0.01, Holm-corrected for 2 "
            "comparisons).",
            "pool is significantly more similar than the control c1 (difference +0.200, 95 % CI +0.150 to +0.250; "
            "p = 0.01, Holm-corrected for 2 comparisons).",
            id="better than twin and control",
        ),
        pytest.param(
            {"controls": ((0.2, 0.15, 0.25, 0.01), (0.1, 0.05, 0.15, 0.02))},
            "Training helps to explain the recording “V1”",
            "pool is significantly more similar than all controls; the most similar of them is c2 (difference +0.100",
            id="better than all controls",
        ),
        pytest.param(
            {"controls": ((-0.1, -0.15, -0.05, 0.01), (-0.2, -0.25, -0.15, 0.01), (0.1, 0.05, 0.15, 0.02))},
            "Training makes pool, the trained layer that matches best, significantly more similar to the "
            "recording “V1” (difference +0.100",
            "pool is significantly less similar than the control c2 (difference −0.200, 95 % CI −0.250 to −0.150; "
            "p = 0.01, Holm-corrected for 4 comparisons), and than c1.",
            id="beaten by controls, the most similar first",
        ),
        pytest.param(
            {"controls": ((0.1, 0.05, 0.15, 0.02), (0.02, -0.1, 0.12, 0.6))},
            "Training makes pool",
            "These data cannot tell whether pool is more similar than the control c2 (difference +0.020",
            id="a control not told apart",
        ),
        pytest.param(
            {"controls": ((0.002, -0.01, 0.012, 0.6),)},
            "Training makes pool",
            "pool is as similar as the control c1, to within 0.05 (difference +0.002",
            id="a control that is as similar",
        ),
        pytest.param(
            {"twin": (0.009, -0.018, 0.036, 0.31)},
            "The data show that training changes the similarity of pool, the trained layer that matches best, to the "
            "recording “V1” by less than 0.05 (difference +0.009, 95 % CI −0.018 to +0.036; p = 0.31",
            "pool is significantly more similar than the control",
            id="no difference, narrow",
        ),
        pytest.param(
            {"twin": (0.009, -0.052, 0.070, 0.75)},
            "These data cannot tell whether training makes pool, the trained layer that matches best, more or "
            "less similar to the recording “V1” (difference +0.009, 95 % CI −0.052 to +0.070; p = 0.75",
            "pool is significantly more similar than the control",
            id="no difference, wide",
        ),
        pytest.param(
            {"twin": (0.2, 0.02, 0.38, 0.07)},
            "These data cannot tell whether training makes pool, the trained layer that matches best, more or "
            "less similar to the recording “V1” (difference +0.200, 95 % CI +0.020 to +0.380; p = 0.07, Holm-corrected "
            "for 2 comparisons; the interval excludes 0, but is not corrected).",
            "pool is significantly more similar than the control",
            id="only the correction takes it away",
        ),
        pytest.param(
            {"twin": (-0.004, -0.007, -0.001, 0.02)},
            "Training makes pool, the trained layer that matches best, significantly less similar to the "
            "recording “V1”, but by less than 0.05 (difference −0.004",
            "pool is significantly more similar than the control",
            id="worse, a little",
        ),
        pytest.param(
            {"twin": (NOT, NOT, NOT, NOT), "controls": ((NOT, NOT, NOT, NOT),), "best": 0.5},
            "These data cannot show whether training makes pool, the trained layer that matches best, more similar to "
            "the recording “V1”: its difference from its untrained twin could not be tested.",
            "pool could not be tested against c1.",
            id="nothing tested",
        ),
        pytest.param(
            {"twin": None},
            "This study cannot show whether training helps to explain the recording “V1”: pool, the trained layer that "
            "matches best, has no untrained twin.",
            "pool is significantly more similar than the control",
            id="no twin",
        ),
        pytest.param(
            {"controls": ()},
            "Training makes pool",
            "pool was compared with no control, so that simpler properties of the stimuli may explain as much.",
            id="no control",
        ),
        pytest.param(
            {"controls": ((0.2, 0.15, 0.25, 0.01), (0.1, NOT, NOT, NOT))},
            "Training makes pool",
            "it could not be tested against c2.",
            id="a control not tested",
        ),
        pytest.param(
            {"best": -0.1},
            "No trained layer matches the recording “V1”, not even the most similar one: the similarity of pool is "
            "−0.100 (95 % CI −0.150 to −0.050), significantly below",
            "pool is significantly more similar than the control",
            id="negative",
        ),
    ],
)
def test_the_first_two_sentences(tables, first, second):
    said = answer(*planted(**tables), more=["Scope.", ""])
    assert said[0].startswith(first)
    assert second in said[1]
    assert len(said) <= 5 and said[-1] == "Scope."
    assert "nan" not in " ".join(said)


@pytest.mark.parametrize("ceiling", [0.9, 0.1, NOT])
@pytest.mark.parametrize("similarity", [0.05, 0.6])
def test_small_is_small_beside_what_there_is_to_explain(ceiling, similarity):
    """A change of 0.036 is small beside 0.6 or 0.9, and not beside 0.05 or 0.1."""
    tables = planted((0.0, -0.036, 0.036, 0.9), best=similarity, ceiling_lower=ceiling)
    small = (ceiling if ceiling == ceiling else similarity) >= 0.36
    said = answer(*tables)[0]
    assert said.startswith("The data show that") == small
    assert said.startswith("These data cannot tell") == (not small)


def test_a_distance_knows_nothing_small_without_a_ceiling():
    tables = planted((0.0, -0.01, 0.01, 0.9), best=-3.0, comparison="minus distance", ceiling_lower=NOT)
    assert answer(*tables)[0].startswith("These data cannot tell")
    near = planted((0.0, -0.01, 0.01, 0.9), best=-3.0, comparison="minus distance", ceiling_lower=-1.0)
    assert "by less than 0.05" in answer(*near)[0]


def test_yes_needs_to_be_above_chance():
    similarity, differences = planted(p_permutations_holm=0.2)
    said = answer(similarity, differences)
    assert said[0].startswith(
        "No encoder of this study matches the recording “V1” significantly: the most similar one, pool, has a "
        "similarity of 0.500 (95 % CI 0.450 to 0.550; label permutations, p = 0.2, Holm-corrected for 3 models), "
        "significantly below"
    )
    assert said[1].startswith("Training makes pool") and said[2].startswith("pool is significantly more similar")


@pytest.mark.parametrize("best", [0.013, -0.013])
def test_no_match_comes_first_whatever_the_sign_of_a_similarity(best):
    """Without a significant difference, only the match, the scope, and what the data could have told are said."""
    tables = planted((0.02, -0.19, 0.23, 1), ((0.04, -0.28, 0.36, 1),), best, p_permutations_holm=1.0)
    said = answer(*tables, more=["Scope.", "Told."])
    assert said[0].startswith("No encoder of this study matches") and "the lower noise ceiling of 0.900" in said[0]
    assert said[1:] == ["Scope.", "Told."]


def test_controls_that_match_are_named_where_no_trained_layer_does():
    similarity, differences = planted((0.02, -0.19, 0.23, 1), ((-0.5, -0.6, -0.4, 0.01),), 0.01)
    similarity = similarity.assign(p_permutations_holm=[0.9, 1.0, 0.004])
    said = answer(similarity, differences)
    assert said[0].startswith("No trained layer matches the recording “V1” significantly: the most similar one, pool, ")
    assert said[0].endswith("; of the other encoders, c1 (0.510) does.")
    assert said[1].startswith("pool is significantly less similar than the control c1") and len(said) == 2


def test_an_unreliable_recording_comes_before_all_else():
    said = answer(*planted(), more=["Scope."], doubt="The recording “V1” is unreliable: so it is.")
    assert said[0] == "The recording “V1” is unreliable: so it is." and said[2] == "Scope." and len(said) == 3
    assert said[1].startswith("The similarity of pool is 0.500")


def test_a_change_that_could_not_be_larger_is_no_news():
    """RDMs that correlate at 0.978 differ by at most 0.022 in their similarity to either of them."""
    similarity, differences = planted((-0.002, -0.029, 0.024, 0.87))
    said = answer(similarity.assign(like_twin=0.978), differences)[0]
    assert said.endswith(
        "; that was to be expected, because the RDMs of the layer and its untrained twin are so alike (0.978) that "
        "either would be at most 0.022 less similar if the other were the truth."
    )
    for like in (0.9, NOT):
        assert "expected" not in answer(similarity.assign(like_twin=like), differences)[0]
    wide = planted((-0.002, -0.09, 0.09, 0.87))
    assert "expected" not in answer(wide[0].assign(like_twin=0.978), wide[1])[0]


def test_limits_that_follow_from_the_ceiling_say_so():
    said = answer(*planted((0.021, 0.002, 0.04, 0.28), ceiling_lower=0.488))[0]
    assert "by less than 0.049, a tenth of the lower noise ceiling (difference +0.021" in said


def test_the_control_that_a_layer_beats_is_named_beside_those_that_it_does_not():
    said = answer(*planted(controls=((0.276, -0.04, 0.59, 0.4), (0.377, 0.16, 0.59, 0.03))))[1]
    assert said.startswith("These data cannot tell whether pool is more similar than the control c1")
    assert said.endswith("; it is significantly more similar than c2 (+0.377, 95 % CI +0.160 to +0.590; p = 0.03).")


@pytest.mark.parametrize(
    ("ceiling", "said"),
    [
        ((0.922, 0.96), "reaches it."),
        ((0.8, 0.9), "is above the upper one of 0.900."),
        ((0.95, 0.98), "comes within 0.020 of it."),
        ((0.99, 0.995), "is below it."),
    ],
)
def test_the_most_similar_encoder_is_held_against_the_ceiling(ceiling, said):
    similarity, differences = planted(controls=((-0.48, -0.58, -0.38, 0.001),), best=0.45)
    similarity = similarity.assign(ceiling_lower=ceiling[0], ceiling_upper=ceiling[1], p_ceiling_holm=0.4)
    level = answer(similarity, differences)[2]
    assert level.endswith(f"; c1, the most similar encoder (0.930), {said}")
    own = answer(*planted(best=0.914, ceiling_lower=0.785, ceiling_upper=0.886))[2]
    assert own.endswith("above the lower noise ceiling of 0.785 and the upper one of 0.886.")


def test_circular_shifts_are_read_out_only_where_they_can_tell():
    """In older runs without permutations, an interval above 0 is enough."""
    tied = answer(*planted(p_shifts_holm=0.03), stimulus_type="direction")[2]
    assert tied.endswith("the match depends on the directions themselves (circular shifts, p = 0.03).")
    assert "shifts" not in answer(*planted(p_shifts_holm=1.0))[2]
    older = planted(p_shifts_holm=1.0, p_permutations_holm=NOT)
    assert answer(*older)[0].startswith("Training helps")
    assert answer(older[0].assign(low=-0.1), older[1])[0].startswith("Training makes")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({}, "0.500 (95 % CI 0.450 to 0.550), significantly below the lower noise ceiling of 0.900 (p = 0.001"),
        ({"ceiling_lower": 0.4}, "(95 % CI 0.450 to 0.550), above the lower noise ceiling of 0.400."),
        ({"ceiling_lower": 0.52, "p_ceiling_holm": 0.4}, ", within 0.020 of the lower noise ceiling of 0.520."),
        ({"p_ceiling_holm": 0.4}, ", 0.400 below the lower noise ceiling of 0.900, which is not significant (p = 0.4"),
        ({"p_ceiling_holm": NOT}, "(95 % CI 0.450 to 0.550), 0.400 below the lower noise ceiling of 0.900."),
        (
            {"ceiling": "none", "ceiling_lower": NOT, "p_ceiling_holm": NOT},
            "; how high it could be is unknown, because a single RDM contains no information about its noise.",
        ),
        ({"low": NOT, "high": NOT}, "0.500 (no interval is known), significantly below"),
        ({"low": -0.1}, "0.500 (95 % CI −0.100 to 0.550, which includes 0)"),
        ({"ceiling_lower_low": -0.1}, "so that the recording may contain nothing to match."),
    ],
)
def test_the_third_sentence_is_the_similarity_and_its_ceiling(columns, said):
    similarity, differences = planted()
    assert said in answer(similarity.assign(**columns), differences)[2]


def test_studies_without_a_trained_layer_name_the_most_similar_encoder():
    similarity, differences = planted()
    untrained = similarity[similarity["kind"] != TRAINED]
    said = answer(untrained, differences[:0])
    assert said[0] == (
        "All networks of this study are untrained, so it cannot show whether training helps to explain the recording "
        "“V1”; to ask that, give an encoder its weights."
    )
    assert said[1].startswith("The similarity of untrained pool, the most similar encoder, is 0.400")
    assert answer(untrained[untrained["kind"] == CONTROL], differences[:0])[0] == (
        "No trained layer has a similarity with the recording “V1”."
    )


def test_layers_that_training_improves_are_named_though_another_matches_best():
    similarity, differences = planted((0.0, -0.2, 0.2, 0.9))
    other = similarity.iloc[[0]].assign(encoder="fc", similarity=0.3)
    twin = differences.iloc[[0]].assign(encoder="fc", other="fc, untrained", difference=0.3, p_holm=0.001)
    said = answer(pd.concat([similarity, other], ignore_index=True), pd.concat([differences, twin]))[0]
    assert said.startswith("These data cannot tell whether training makes pool")
    named = {"task": "tilt", "network": "CNN", "score_name": "accuracy", "score": 0.5, "chance": 0.5}
    learned = [True, None, None, False]
    failed = pd.concat([similarity, other], ignore_index=True).assign(**named, learned=learned)
    assert "it makes fc" not in answer(failed, pd.concat([differences, twin]))[0]
    assert said.endswith("); it makes fc significantly more similar (+0.300, 95 % CI −0.200 to +0.200; p = 0.001).")


def test_pretrained_layers_are_called_as_in_a_sentence():
    similarity, differences = planted()
    similarity = similarity.replace({"encoder": {"pool": "pool, pretrained"}, "kind": {TRAINED: "pretrained layer"}})
    differences = differences.replace({"encoder": {"pool": "pool, pretrained"}})
    parts = pd.DataFrame(
        {
            "encoder": ["pool, pretrained"],
            "variance_of": "dissimilarities",
            "unique": 0.001,
            "unique_low": 0.0,
            "unique_high": 0.006,
            "semipartial": 0.03,
        }
    )
    said = answer(similarity, differences, parts)
    assert "it makes pool, the pretrained layer that matches best, significantly" in said[0]
    assert said[1].endswith(
        "; and beyond all controls together it explains no significant part of the variance (0.001, 95 % CI 0.000 to "
        "0.006)."
    )


def told(shares, similarity=(0.6, 0.7, 0.5), same=None):
    """What is said of shares (3, 3) of pool, gabor and the untrained pool."""
    names = ["pool", "gabor", "pool, untrained"]
    ranked = pd.DataFrame({"encoder": names, "kind": [TRAINED, CONTROL, TWIN], "similarity": similarity})
    table = pd.DataFrame(
        {"encoder": np.repeat(names, 3), "other": names * 3, "share": np.asarray(shares, float).ravel()}
    )
    return could_have_told(table, ranked, same or {}, "images")


def test_what_the_data_could_not_have_told():
    sure = np.eye(3)
    assert told(sure) == (
        "These images can tell both gabor and pool from the other encoders: had either been the truth, these data "
        "would have named it 100 times in 100."
    )
    gabor = told([[1, 0, 0], [0.41, 0.54, 0.05], [0, 0, 1]])
    assert gabor.startswith("These images cannot separate gabor from pool: had gabor been the truth, these data would ")
    assert "54 times in 100, and pool 41 times; `normenc design`" in gabor
    twin = told([[0.57, 0.01, 0.42], [0, 1, 0], [0, 0, 1]])
    assert "separate pool from its untrained twin: had pool been the truth" in twin and "57 times in 100" in twin
    taken = told([[0.95, 0.0, 0.05], [0, 1, 0], [0.31, 0.0, 0.69]])  # the twin for the layer, but not the reverse
    assert taken.endswith(
        "at least 95 times in 100; they cannot tell pool from its untrained twin, whose recordings would have been "
        "taken for it 31 times in 100."
    )
    assert "twin" not in told([[0.95, 0.0, 0.05], [0, 1, 0], [0.1, 0.0, 0.9]])
    names = ["pool", "fc, untrained"]
    ranked = pd.DataFrame({"encoder": names, "kind": [TRAINED, TWIN], "similarity": [0.7, 0.3]})
    table = pd.DataFrame({"encoder": np.repeat(names, 2), "other": names * 2, "share": [1, 0, 0.95, 0.05]})
    other = could_have_told(table, ranked, {}, "images")
    assert other.endswith(
        "100 times in 100; but had untrained fc been the truth, they would have named pool 95 times in 100."
    )
    ranked.loc[1, "kind"] = CONTROL  # whatever it is called
    assert could_have_told(table, ranked, {}, "images").endswith("named it 100 times in 100.")
    both = told([[1, 0, 0], [0.41, 0.54, 0.05], [0.5, 0, 0.5]])
    assert (
        "and pool 41 times; `normenc design` searches for stimuli that would; these data cannot tell pool from its"
        in both
    )
    some = told([[0.85, 0.0, 0.15], [0, 1, 0], [0, 0, 1]])
    assert some.startswith("These images do not always separate pool")
    assert told(sure, same={"pool, untrained": "pool"}) == (
        "No recording of these images can tell pool from untrained pool: their RDMs are the same."
    )
    assert could_have_told(None, pd.DataFrame(), {}, "images") == ""


def environment(factors, fixed=(), why=(), stimuli="image", rdm=None):
    inference = {"generalises_to": list(factors), "fixed": list(fixed), "scope": list(why), "resampled": {}}
    inference["rdm_metric_of_recording"] = rdm
    return {
        "recording": {"stimuli": stimuli, "n_stimuli": 181},
        "inference": inference,
        "seeds": {"training": [1, 2]},
    }


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (
            environment(["neurons", "seeds"], ["stimuli"], [TILED], "orientation"),
            "Intervals and tests are for these 181 orientations, which tile the circle, and generalise over neurons "
            "and seeds.",
        ),
        (
            environment(["neurons", "seeds"], ["stimuli"]),
            "Intervals and tests are for these 181 images, and generalise over neurons and seeds.",
        ),
        (
            environment(["stimuli", "animals", "trials", "seeds"]),
            "Intervals and tests generalise over images, animals, trials and seeds.",
        ),
        (
            environment(["stimuli", "seeds"], rdm="correlation"),
            "Intervals and tests generalise over images and seeds, but not over animals, neurons or trials, of "
            "which a single RDM tells nothing.",
        ),
        (environment([], ["stimuli"]), "Nothing here generalises beyond these data: these 181 images."),
    ],
)
def test_the_scope_is_said_in_words(own, said):
    assert scope_sentence(own) == said


def test_the_other_scope_says_what_it_asks():
    tiled = environment(["neurons"], ["stimuli"], [TILED], "orientation")
    assert other_scope_sentence(tiled, ["stimuli", "neurons"]).startswith(
        "This asks more: if these 181 orientations were a sample of many, would the results be the same for other "
        "orientations? They tile the circle, so there are hardly any others"
    )
    images = environment(["stimuli", "neurons"])
    assert other_scope_sentence(images, ["neurons"]).startswith(
        "This asks less: would the results be the same for these 181 images, with other neurons?"
    )
