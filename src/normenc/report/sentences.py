"""What a run's tables say, in words and by fixed rules."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

__all__ = ["answer", "findings", "in_words", "row_names"]

ALPHA = 0.05
MANY = 6  # trained layers of which the page speaks one by one


def answer(similarity: pd.DataFrame, differences: pd.DataFrame) -> str:
    """The answer in one sentence: whether the task helps to explain the code, by the trained layer that matches best.

    Parameters
    ----------
    similarity, differences : DataFrame
        See :func:`findings`.

    Returns
    -------
    str
        Yes only where that layer is more similar than its untrained twin and than every control, each by a difference
        whose corrected p-value is at most 0.05.
    """
    trained = similarity[similarity["trained"]]
    best = trained["similarity"].idxmax()
    name, recording = row_names(similarity)[best], trained.loc[best, "recording"]
    own = differences[differences["model"] == name]
    wins = own[(own["p_holm"] <= ALPHA) & (own["difference"] > 0)]
    learned = bool((wins["kind"] == "untrained twin").any())
    controls = own.loc[own["kind"] == "control", "other"]
    as_good = [str(other) for other in controls if other not in set(wins["other"])]
    if learned and not as_good and len(controls):
        return (
            f"Training helps to explain {recording}: {name}, the layer that matches best, is more similar than before "
            "training and than every control."
        )
    if learned and len(controls):
        return (
            f"Training brings {name}, the layer that matches best, closer to {recording}, but it does not beat "
            f"{in_words(as_good)}, which {'was' if len(as_good) == 1 else 'were'} never trained."
        )
    if learned:
        return f"Training brings {name}, the layer that matches best, closer to {recording}; no control was compared."
    return (
        f"Nothing here shows that the task explains {recording}: {name}, the layer that matches best, is not more "
        "similar than before training by any difference that is sure."
    )


def findings(similarity: pd.DataFrame, differences: pd.DataFrame) -> list[str]:
    """Say in words what the tables show, by fixed rules.

    Parameters
    ----------
    similarity, differences : DataFrame
        The rows of ``similarity.csv`` and ``differences.csv``, of one recording and comparison.

    Returns
    -------
    list of str
        First the layer that matches best, then each trained layer beside its untrained twin, then against the
        controls, then the noise ceiling, then chance. A difference counts when its p-value, corrected for all
        planned comparisons (Holm), is at most 0.05.

    Examples
    --------
    >>> similarity = pd.DataFrame({
    ...     "recording": "V1", "model": ["CNN", "CNN", "pixels"], "layer": ["fc", "fc", "pixels"],
    ...     "trained": [True, False, False], "seed": [1, 1, None], "similarity": [0.6, 0.4, 0.7],
    ...     "low": [0.5, 0.3, 0.6], "high": [0.7, 0.5, 0.8], "ceiling": "none", "ceiling_lower": float("nan"),
    ...     "ceiling_upper": float("nan"), "p_ceiling_holm": float("nan"), "p_chance_holm": [0.01, 0.5, 0.01],
    ...     "chance": "label permutations"})
    >>> differences = pd.DataFrame({
    ...     "model": "fc", "other": ["fc, untrained", "pixels"], "kind": ["untrained twin", "control"],
    ...     "difference": [0.2, -0.1], "low": [0.1, -0.2], "high": [0.3, 0.0], "p_holm": [0.002, 0.05]})
    >>> for sentence in findings(similarity, differences):
    ...     print(sentence)
    Of the trained layers, fc matches V1 best: similarity 0.600, 95 % interval 0.500 to 0.700.
    fc is more similar after training than before: a difference of +0.200 (+0.100 to +0.300, p = 0.002).
    fc is less similar than pixels (-0.100, p = 0.05), a control that was never trained.
    There is no noise ceiling: a single RDM tells nothing about its noise, and how good a model can be is not known.
    More similar than chance: fc, pixels.
    """
    trained = similarity[similarity["trained"]]
    best = trained.loc[trained["similarity"].idxmax()]
    names = row_names(similarity)
    sentences = [
        f"Of the trained layers, {names[best.name]} matches {best['recording']} best: similarity "
        f"{best['similarity']:.3f}, 95 % interval {best['low']:.3f} to {best['high']:.3f}."
    ]
    twins = differences[differences["kind"] == "untrained twin"]
    against = differences[differences["kind"] == "control"]
    told = [names[index] for index in trained.index]
    if len(told) > MANY:
        told = [names[best.name]]
        sentences += [_counted(twins, "its untrained twin", len(trained))]
        sentences += [_counted(rows, str(other), len(trained)) for other, rows in against.groupby("other", sort=False)]
    sentences += [_against_twin(row) for row in twins[twins["model"].isin(told)].itertuples()]
    sentences += [_against_controls(layer, against[against["model"] == layer]) for layer in told]
    ceiling, chance = _against_ceiling(trained, names), _against_chance(similarity, names)
    return [*sentences, ceiling, chance]


def row_names(similarity: pd.DataFrame) -> dict[Any, str]:
    """What each row is called in ``differences.csv``: task and network stand in the name where there are several."""
    trained = similarity[similarity["trained"]]
    tasks = "task" in trained and trained["task"].nunique() > 1
    several = tasks or trained["model"].nunique() > 1
    names = {}
    for row in similarity.itertuples():
        if pd.isna(row.seed):
            names[row.Index] = str(row.model)
            continue
        parts = [str(row.task)] if tasks and row.trained else []
        parts += [str(row.model)] if several else []
        names[row.Index] = " ".join([*parts, str(row.layer)]) + ("" if row.trained else ", untrained")
    return names


def _counted(rows: pd.DataFrame, other: str, n: int) -> str:
    sure = rows["p_holm"] <= ALPHA
    more, less = int((sure & (rows["difference"] > 0)).sum()), int((sure & (rows["difference"] < 0)).sum())
    return (
        f"Of {n} trained layers, {more} are more similar than {other}, {less} less; the others cannot be told from it."
    )


def _against_twin(row: Any) -> str:
    if row.p_holm > ALPHA:
        verdict = "cannot be told from its untrained twin"
    else:
        verdict = f"is {'more' if row.difference > 0 else 'less'} similar after training than before"
    return (
        f"{row.model} {verdict}: a difference of {row.difference:+.3f} ({row.low:+.3f} to {row.high:+.3f}, "
        f"p {_p(row.p_holm)})."
    )


def _against_controls(layer: str, rows: pd.DataFrame) -> str:
    """Whom a layer beats, whom it loses to, and whom it cannot be told from."""
    groups: dict[str, list[str]] = {"is more similar than": [], "is less similar than": [], "cannot be told from": []}
    for row in rows.itertuples():
        sure = row.p_holm <= ALPHA
        verdict = (
            ("is more similar than" if row.difference > 0 else "is less similar than")
            if sure
            else "cannot be told from"
        )
        groups[verdict].append(f"{row.other} ({row.difference:+.3f}, p {_p(row.p_holm)})")
    words = [f"{verdict} {in_words(names)}" for verdict, names in groups.items() if names]
    noun = "a control that was never trained" if len(rows) == 1 else "controls that were never trained"
    return f"{layer} {'; it '.join(words)}, {noun}."


def _against_ceiling(trained: pd.DataFrame, names: dict[Any, str]) -> str:
    row = trained.iloc[0]
    if row["ceiling"] == "none":
        return (
            "There is no noise ceiling: a single RDM tells nothing about its noise, and how good a model can be is not "
            "known."
        )
    low = (trained["p_ceiling_holm"] <= ALPHA) & (trained["similarity"] < trained["ceiling_lower"])
    below = [names[index] for index in trained.index[low]]
    reached = [names[index] for index in trained.index[~low]]
    words = [f"{_listed(below)} {'falls' if len(below) == 1 else 'fall'} short of it"] if below else []
    if reached:
        words.append(f"{_listed(reached)} cannot be told from it, or exceed{'s' if len(reached) == 1 else ''} it")
    return (
        f"The noise ceiling is {row['ceiling_lower']:.3f} (lower) to {row['ceiling_upper']:.3f} (upper); of the lower "
        f"one, {'; '.join(words)}."
    )


def _against_chance(similarity: pd.DataFrame, names: dict[Any, str]) -> str:
    above = similarity[similarity["p_chance_holm"] <= ALPHA]
    shifts = similarity["chance"].iloc[0] == "circular shifts"
    if above.empty and shifts:
        return (
            "No model is more similar than its own circular shifts: nothing shows that a match is bound to the very "
            "orientations, beyond a smooth change with orientation."
        )
    if above.empty:
        return "No model is more similar than chance, corrected for their number."
    found = [names[index].replace(", untrained", " untrained") for index in above.index]
    return f"More similar than {'their own circular shifts' if shifts else 'chance'}: {_listed(found, last=', ')}."


def _listed(names: list[str], last: str = " and ") -> str:
    """A few names one by one, many by their number."""
    if len(names) > 2 * MANY:
        return f"{len(names)} of them"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])}{last}{names[-1]}"


def in_words(names: Sequence[str]) -> str:
    """Names as a sentence lists them.

    Examples
    --------
    >>> in_words(["pool"]), in_words(["pool", "fc", "pixels"]), in_words([])
    ('pool', 'pool, fc and pixels', '')
    """
    return "".join(names) if len(names) < 2 else f"{', '.join(names[:-1])} and {names[-1]}"


def _p(value: float) -> str:
    return f"= {value:.2g}" if value >= 0.001 else "< 0.001"
