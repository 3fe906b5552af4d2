"""What a run's tables say, in words and by fixed rules."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

__all__ = ["answer", "findings", "in_words", "row_names"]

ALPHA = 0.05
MANY = 4  # trained layers of which the page speaks one by one


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
        whose corrected p-value is at most 0.05, and is above chance: by its test, or where chance is circular shifts,
        which ask for more, by an interval above 0.
    """
    names = row_names(similarity)
    trained = similarity[similarity["trained"]]
    best = trained.loc[trained["similarity"].idxmax()]
    name, recording = names[best.name], str(best["recording"])
    twins = differences[differences["kind"] == "untrained twin"]
    improved = twins.loc[(twins["p_holm"] <= ALPHA) & (twins["difference"] > 0), "model"].tolist()
    if name in improved:
        own = differences[(differences["model"] == name) & (differences["kind"] == "control")]
        return _of_the_best(name, recording, own, _above_chance(best))
    twin = twins[twins["model"] == name]
    if twins["p_holm"].isna().all():
        return f"Nothing can be said of {recording} and the task: no difference to untrained networks could be tested."
    if improved:
        return (
            f"Training brings {_listed(improved)} closer to {recording}, but not {name}, the layer that matches best."
        )
    if (twin["p_holm"] <= ALPHA).any():
        return (
            f"Training takes {name}, the layer that matches best, further away from {recording}: before training it is "
            "more similar."
        )
    untested = twins.loc[twins["p_holm"].isna(), "model"].tolist()
    rest = f"; {_listed(untested)} could not be tested" if untested else ""
    return (
        f"Nothing here shows that the task explains {recording}: no trained layer is more similar than its untrained "
        f"twin by a difference that is sure{rest}."
    )


def _of_the_best(name: str, recording: str, controls: pd.DataFrame, above_chance: bool) -> str:
    """Of a layer that training made more similar: what else would have to hold."""
    sure = controls["p_holm"] <= ALPHA
    better = controls.loc[sure & (controls["difference"] < 0), "other"].tolist()
    as_good = controls.loc[~sure, "other"].tolist()
    caveats = []
    if better:
        caveats.append(f"{in_words(better)}, never trained, {'is' if len(better) == 1 else 'are'} more similar")
    if as_good:
        caveats.append(
            f"it cannot be told from {in_words(as_good)}, which {'was' if len(as_good) == 1 else 'were'} never trained"
        )
    if not len(controls):
        caveats.append("no control was compared")
    if not above_chance:
        caveats.append("it is not sure to be above chance")
    if caveats:
        return (
            f"Training brings {name}, the layer that matches best, closer to {recording}, but {', and '.join(caveats)}."
        )
    return (
        f"Training helps to explain {recording}: {name}, the layer that matches best, is more similar than before "
        "training and than every control."
    )


def _above_chance(row: pd.Series) -> bool:
    return bool(row["low"] > 0 if row["chance"] == "circular shifts" else row["p_chance_holm"] <= ALPHA)


def findings(
    similarity: pd.DataFrame, differences: pd.DataFrame, *, smallest_p: float = 0.0, kind: str = "orientation"
) -> list[str]:
    """Say in words what the tables show, by fixed rules.

    Parameters
    ----------
    similarity, differences : DataFrame
        The rows of ``similarity.csv`` and ``differences.csv``, of one recording and comparison.
    smallest_p : float
        That the test against chance can give, before correction: one of as many orders of the stimuli as it tries.
    kind : str
        Of the stimuli: ``"orientation"``, ``"direction"`` or ``"image"``.

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
    fc is less similar than pixels (−0.100, p = 0.05), a control that was never trained.
    There is no noise ceiling: a single RDM tells nothing about its noise, and how good a model can be is not known.
    More similar than chance: fc, pixels.
    """
    trained = similarity[similarity["trained"]]
    best = trained.loc[trained["similarity"].idxmax()]
    names = row_names(similarity)
    sentences = [
        f"Of the trained layers, {names[best.name]} matches {best['recording']} best: similarity "
        f"{_minus(f'{best.similarity:.3f}')}, 95 % interval {_interval(best['low'], best['high'], '.3f')}."
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
    ceiling, chance = _against_ceiling(trained, names), _against_chance(similarity, names, smallest_p, kind)
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
    if not more + less:
        return f"None of the {n} trained layers can be told from {other}."
    rest = "" if more + less == n else "; the others cannot be told from it"
    return f"Of {n} trained layers, {more} are more similar than {other}, {less} less{rest}."


def _against_twin(row: Any) -> str:
    if pd.isna(row.p_holm):
        return (
            f"Whether training makes {row.model} more similar could not be tested ({_minus(f'{row.difference:+.3f}')})."
        )
    if row.p_holm > ALPHA:
        verdict = "cannot be told from its untrained twin"
    else:
        verdict = f"is {'more' if row.difference > 0 else 'less'} similar after training than before"
    return (
        f"{row.model} {verdict}: a difference of {_minus(f'{row.difference:+.3f}')} "
        f"({_interval(row.low, row.high, '+.3f')}, p {_p(row.p_holm)})."
    )


def _against_controls(layer: str, rows: pd.DataFrame) -> str:
    """Whom a layer beats, whom it loses to, and whom it cannot be told from."""
    groups: dict[str, list[str]] = {
        "is more similar than": [],
        "is less similar than": [],
        "cannot be told from": [],
        "could not be tested against": [],
    }
    for row in rows.itertuples():
        difference = _minus(f"{row.difference:+.3f}")
        if pd.isna(row.p_holm):
            groups["could not be tested against"].append(f"{row.other} ({difference})")
            continue
        verdict = f"is {'more' if row.difference > 0 else 'less'} similar than"
        verdict = verdict if row.p_holm <= ALPHA else "cannot be told from"
        groups[verdict].append(f"{row.other} ({difference}, p {_p(row.p_holm)})")
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
    if trained["p_ceiling_holm"].isna().all():
        return (
            f"The noise ceiling is {row['ceiling_lower']:.3f} (lower) to {row['ceiling_upper']:.3f} (upper); no layer "
            "could be tested against it."
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


def _against_chance(similarity: pd.DataFrame, names: dict[Any, str], smallest_p: float, kind: str) -> str:
    above = similarity[similarity["p_chance_holm"] <= ALPHA]
    shifts = similarity["chance"].iloc[0] == "circular shifts"
    tests = int(similarity["p_chance"].notna().sum()) if "p_chance" in similarity else 0
    if above.empty and smallest_p * tests > ALPHA:
        return (
            f"Whether models are more similar than chance cannot be told here: the smallest p-value that "
            f"{'circular shifts of so few stimuli' if shifts else 'so few permutations'} can give is {smallest_p:.2g}, "
            f"which for {tests} models is not significant."
        )
    if above.empty and shifts:
        return (
            "No model is more similar than its own circular shifts: nothing shows that a match is bound to the very "
            f"{kind}s, beyond a smooth change with {kind}."
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


def _minus(text: str) -> str:
    return text.replace("-", "−")


def _interval(low: float, high: float, form: str) -> str:
    return "not known" if pd.isna(low) else _minus(f"{low:{form}} to {high:{form}}")


def _p(value: float) -> str:
    return f"= {value:.2g}" if value >= 0.001 else "< 0.001"
