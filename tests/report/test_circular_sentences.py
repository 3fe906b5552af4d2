"""What is said of a match beyond the profile: only what the test of the rest shows."""

import pandas as pd
import pytest

from normenc.report.circular_sentences import on_the_circle

NOT = float("nan")
MORE, NONE = "so that the match is more than dissimilarity", "so that no match is known beyond dissimilarity"


def parts(profile=(0.8, 0.7, 0.9), rest=(0.2, 0.1, 0.3), p=NOT, n_models=1):
    one = pd.DataFrame([(1, 0.5, 0.6), profile, rest], columns=["similarity", "low", "high"])
    one = one.assign(part=["whole", "profile", "rest"], kind="trained layer", encoder="pool", share_of_data=0.5)
    one = one.assign(ceiling="neurons", ceiling_lower=0.9, why_unknown="", p_shifts_holm=[NOT, NOT, p])
    others = [one.assign(encoder=f"c{k}", kind="control", similarity=0.0) for k in range(1, n_models)]
    return pd.concat([one, *others], ignore_index=True)


@pytest.mark.parametrize(
    ("table", "n_shifts", "said"),
    [
        (parts(p=0.01), 181, MORE),
        (
            parts(p=0.83, n_models=7),
            181,
            f"{NONE} that grows with the angle (circular shifts of the second part, p = 0",
        ),
        (parts(p=0.29, n_models=7), 24, "is not known, because 24 shifts are too few for a significant test of 7 mode"),
        (parts(), 0, f"{NONE} that grows with the angle (it could not be tested by circular shifts)."),
        (parts(rest=(0.1, -0.1, 0.3), p=0.4), 181, NONE),
        (parts(rest=(-0.2, -0.3, -0.1), p=1.0), 181, "so that there is no match beyond dissimilarity that grows"),
        (parts((-0.03, -1, 1), (-0.05, -0.2, 0.1), p=1.0), 24, "so that no match is known in either part (circular s"),
    ],
)
def test_a_match_is_more_than_a_profile_only_where_shifts_show_it(table, n_shifts, said):
    sentence = on_the_circle(table, "orientation", n_shifts)
    assert said in sentence and "nan" not in sentence
    assert (MORE in sentence) == (table["p_shifts_holm"].min() <= 0.05)
