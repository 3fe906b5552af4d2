"""The picture and the sentences of ranks under several measures."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from scipy import stats

from normenc import figures
from normenc.errors import InputError
from normenc.report.rank_sentences import rank_sentences
from normenc.rsa.rank_agreement import concordance

KINDS = {"pool": "trained layer", "fc": "trained layer", "pool, untrained": "untrained twin", "pixels": "control"}
VALUES = {
    "pearson": [0.7, 0.5, 0.6, 0.1],
    "linear-cka": [0.4, 0.8, 0.3, 0.2],
    "soft-matching": [0.5, 0.2, 0.3, np.nan],
}


def table():
    rows = [
        {"encoder": name, "kind": kind, "comparison": measure, "similarity": values[k], "twin_of": twin}
        for measure, values in VALUES.items()
        for k, (name, kind) in enumerate(KINDS.items())
        for twin in ["pool" if kind == "untrained twin" else ""]
    ]
    return pd.DataFrame(rows)


def test_concordance_is_that_of_friedman():
    """Friedman's chi-squared of n models under m measures is m (n - 1) W, ties corrected alike."""
    rng = np.random.default_rng(0)
    for values in (rng.normal(size=(4, 7)), rng.integers(0, 4, (5, 6))):
        m, n = values.shape
        assert concordance(values) == pytest.approx(stats.friedmanchisquare(*values.T).statistic / (m * (n - 1)))
    assert np.isnan(concordance(np.ones((2, 3))))
    with pytest.raises(InputError, match="at least 2 of each"):
        concordance([[1.0, 2.0]])


def test_each_encoder_has_a_line_of_its_ranks():
    axes = figures.measure_ranks(table())
    lines = {line.get_color() + str(line.get_markerfacecolor()): line for line in axes.get_lines()}
    assert len(lines) == 4
    ranks = [line.get_ydata().tolist() for line in axes.get_lines()]
    assert ranks[0] == [1, 2, 1] and ranks[1] == [2, 3, 2] and ranks[2] == [3, 1, 3]  # pool, its twin, fc
    assert ranks[3][:2] == [4, 4] and np.isnan(ranks[3][2])
    pool, twin = axes.get_lines()[:2]
    assert to_hex(pool.get_color()) == to_hex(twin.get_color()) and twin.get_markerfacecolor() == "white"
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["Pearson r", "linear CKA", "soft matching"]
    assert [text.get_text() for text in axes.texts] == ["pool  1", "pool, untrained  2", "fc  3", "pixels  4"]


def test_of_many_encoders_the_first_are_drawn_and_this_is_said():
    many = pd.DataFrame(
        [
            {"encoder": f"e{k:02}", "kind": "trained layer", "comparison": name, "similarity": (40 - k) * scale}
            for name, scale in (("pearson", 0.02), ("cosine", 0.01))
            for k in range(40)
        ]
    )
    axes = figures.measure_ranks(many)
    assert len(axes.get_lines()) == 30 and "the first 30 of 40 encoders" in axes.get_xlabel()
    with pytest.raises(InputError, match="at least two measures"):
        figures.measure_ranks(many[many["comparison"] == "cosine"])


def test_the_sentences_count_measures_and_name_those_that_differ():
    rows = table()
    own, others = rows[rows["comparison"] == "pearson"], rows[rows["comparison"] != "pearson"]
    assert rank_sentences(own, None) == []
    best, order = rank_sentences(own, others)
    assert (
        best == "By Pearson r and 1 of the 2 other measures, pool is the most similar encoder; it is fc by linear CKA."
    )
    # Ranks of pool, fc and the twin, which all measures know: 1 3 2, 2 1 3, 1 3 2. Sums 4 7 7: W = 12 x 6 / (9 x 24).
    assert "of 3 encoders under the 3 measures agree with Kendall’s W of 0.33" in order
    own = pd.concat([own, own.iloc[[3]].assign(encoder="Gabor", similarity=0.9)])
    layers, every, _ = rank_sentences(own, others)
    assert layers.startswith("By Pearson r and 1 of the 2 other measures, pool is the most similar layer that learned")
    assert every.startswith("By Pearson r, Gabor is the most similar encoder; it is ")


def test_values_that_are_easily_misread_are_explained():
    """A layer that is matched one to one better than neurons are with each other, and a ceiling above 1."""
    own = pd.DataFrame({"encoder": ["fc", "pixels"], "kind": ["trained layer", "control"], "comparison": "pearson"})
    own = own.assign(similarity=[0.5, 0.4], ceiling_lower=0.9, ceiling_upper=0.95)
    matched = own.assign(comparison="one-to-one", similarity=[0.35, 0.1], ceiling_lower=0.049, ceiling_upper=np.nan)
    corrected = own.assign(comparison="corrected-cka", ceiling_lower=1.092, ceiling_upper=1.365)
    said = rank_sentences(own, pd.concat([matched, corrected]))
    assert any(
        one.startswith("By one-to-one r, fc (0.350) is above the noise ceiling (0.049): only as") for one in said
    )
    assert said[-1] == "Corrected CKA is a ratio of unbiased estimates, which can exceed 1."
    usual = rank_sentences(own, pd.concat([matched.assign(ceiling_lower=0.6), corrected.assign(ceiling_upper=0.99)]))
    assert len(usual) == len(said) - 1 and "unbiased" in usual[-1]
    assert not any("ceiling" in one for one in usual)
