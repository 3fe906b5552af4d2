"""Which networks did not learn their tasks, as a sentence written by fixed rules."""

import pandas as pd

from normenc.csv_tables import did_not_learn
from normenc.encoders import EncoderKind
from normenc.report.wording import counted, join_names, minus

__all__ = ["LEARNED_ONLY", "networks_that_failed", "none_learned", "not_learned"]

LEARNED_ONLY = " of networks that learned their task"  # after “layers”, where some did not
MOST_NAMED = 3  # tasks whose scores are told; more are counted
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def networks_that_failed(similarity: pd.DataFrame) -> pd.DataFrame:
    """The first row of each trained network that did not learn its task, one for each task and network."""
    return _networks(similarity[did_not_learn(similarity)])


def not_learned(similarity: pd.DataFrame) -> str:
    """How many networks did not learn their task, and how near to chance they are; empty if all did.

    Parameters
    ----------
    similarity : DataFrame
        The rows of ``similarity.csv``.

    Examples
    --------
    >>> similarity = pd.DataFrame({
    ...     "task": ["rotation", "rotation", "tilt"], "network": ["FC", "CNN", "FC"], "kind": "trained layer",
    ...     "score_name": ["error in degrees", "error in degrees", "accuracy"], "score": [22.3, 23.14, 0.98],
    ...     "chance": [22.5, 22.5, 0.5], "learned": [False, False, True]})
    >>> not_learned(similarity)
    'Two of three networks did not learn their task: FC and CNN reach 22.3 to 23.1 (error in degrees; chance 22.5) in rotation.'
    >>> not_learned(similarity.iloc[[0, 2]])
    'One of two networks did not learn its task: FC reaches 22.3 (error in degrees; chance 22.5) in rotation.'
    """  # noqa: E501 (a sentence is a line of its own)
    failed = networks_that_failed(similarity)
    if failed.empty:
        return ""
    n, n_all = len(failed), len(_networks(similarity))
    if n == n_all:
        return f"{_none(failed)}: {_scores(failed)}."
    its, first = ("its" if n == 1 else "their"), _number(n).capitalize()
    return (
        f"{first} of {_number(n_all)} networks did not learn {its} task{_most_seeds(failed, its)}: {_scores(failed)}."
    )


def none_learned(similarity: pd.DataFrame) -> str:
    """That no network learned its task, so that nothing is known about what learning it does; empty if any did.

    Examples
    --------
    >>> none_learned(pd.DataFrame({
    ...     "task": ["tilt"], "network": ["FC"], "kind": "trained layer", "score_name": ["accuracy"], "score": [0.52],
    ...     "chance": [0.5], "learned": [False], "recording": "V1"}))
    'The network did not learn its task, so this study cannot show whether learning it helps to explain a recording: FC reaches 0.520 (accuracy; chance 0.500) in tilt.'
    """  # noqa: E501 (a sentence is a line of its own)
    failed = networks_that_failed(similarity)
    n = len(failed)
    if not n or n < len(_networks(similarity)):
        return ""
    unknown = "this study cannot show whether learning it helps to explain a recording"
    return f"{_none(failed)}, so {unknown}: {_scores(failed)}."


def _none(failed: pd.DataFrame) -> str:
    n = len(failed)
    said = "The network did not learn its task" if n == 1 else f"None of the {_number(n)} networks learned its task"
    return f"{said}{_most_seeds(failed, 'its')}"


def _most_seeds(failed: pd.DataFrame, its: str) -> str:
    """Where some seeds did learn, that most did not."""
    some = "n_learned" in failed and bool(failed["n_learned"].gt(0).any())
    return f" in most of {its} seeds" if some else ""


def _networks(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["kind"] == EncoderKind.TRAINED].drop_duplicates(["task", "network"])


def _scores(failed: pd.DataFrame) -> str:
    """The scores of networks, by task."""
    groups = [(str(task), own) for task, own in failed.groupby("task", sort=False)]
    said = [_of_task(task, own) for task, own in groups[:MOST_NAMED]]
    more = sum(len(own) for _, own in groups[MOST_NAMED:])
    return "; ".join([*said, f"and {counted(more, 'network')} in other tasks"] if more else said)


def _of_task(task: str, own: pd.DataFrame) -> str:
    names = own["network"].astype(str).tolist()
    who = join_names(names) if len(names) <= MOST_NAMED else f"{_number(len(names))} networks"
    low, high = (_told(value) for value in (own["score"].min(), own["score"].max()))
    reached = low if low == high else f"{low} to {high}"
    verb = "reaches" if len(names) == 1 else "reach"
    name, chance = own["score_name"].iloc[0], _told(own["chance"].iloc[0])
    return f"{who} {verb} {reached} ({name}; chance {chance}) in {task}"


def _told(score: float) -> str:
    """Three digits, so that scores beside each other have as many."""
    return minus(f"{score:#.3g}".removesuffix("."))


def _number(n: int) -> str:
    return NUMBERS[n] if n < len(NUMBERS) else f"{n:,}"
