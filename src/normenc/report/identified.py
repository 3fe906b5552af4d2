"""Could the data have told which encoder is true: sentences about simulated recordings."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from normenc.csv_tables import did_not_learn
from normenc.encoders import LEARNED, EncoderKind
from normenc.report.learned import spoken
from normenc.report.proposed import SEARCHES, SURE
from normenc.report.wording import counted, join_names
from normenc.rsa.likeness import COULD_HAVE_TOLD_NOTHING
from normenc.rsa.rates import mean_rate
from normenc.runs import Run

__all__ = [
    "could_have_told",
    "had_it_been_true",
    "identification_facts",
    "identified_sentence",
    "never_named",
    "rate_in_words",
    "simulated_in_words",
]

WORTH_NAMING = 0.05  # share of recordings that are taken for another encoder
MOST_NAMED = 2
RARELY = 0.05  # share of a truth's recordings that name it, below which this is said
UNSURE = 0.2  # share taken for one other encoder, from which the two are not separated


def identified_sentence(run: Run) -> str:
    """What recordings simulated from the most similar encoder would be taken for; empty if that is not known."""
    table = run.identification
    if table is None:
        return ""
    ranked = run.similarity[run.similarity["similarity"].notna()].sort_values("similarity", ascending=False)
    same = run.environment.get("identification", {}).get("same", {})
    for encoder in ranked["encoder"]:
        truth = same.get(encoder, encoder)
        rows = table[table["encoder"] == truth]
        if not rows.empty:
            return had_it_been_true(truth, dict(zip(rows["other"], rows["share"], strict=True)))
    return ""


def had_it_been_true(truth: str, shares: Mapping[str, float]) -> str:
    """What recordings of a truth are taken for, as a sentence.

    Parameters
    ----------
    truth : str
    shares : mapping of str to float
        Of simulated recordings, by the encoder that they are taken for.

    Examples
    --------
    >>> print(had_it_been_true("pool", {"pool": 0.62, "Gabor energy": 0.21, "fc": 0.14, "pixels": 0.03}))
    Had pool been the truth, these data would have named it 62 times in 100; it would have been taken for Gabor energy 21 times and for fc 14 times.
    >>> print(had_it_been_true("pixels", {"pool": 0.0, "pixels": 1.0}))
    Had pixels been the truth, these data would have named it 100 times in 100.
    >>> print(had_it_been_true("half pool, half fc", {"pool": 0.7, "fc": 0.3}))
    Had half pool, half fc been the truth, these data would have taken it for pool 70 times in 100 and for fc 30 times.
    """  # noqa: E501 (a sentence is a line of its own)
    others = sorted(((share, spoken(name)) for name, share in shares.items() if name != truth), key=lambda own: -own[0])
    named = [(share, name) for share, name in others if share >= WORTH_NAMING][:MOST_NAMED]
    if truth not in shares:
        first = f"for {others[0][1]} {100 * others[0][0]:.0f} times in 100"
        rest = [f"for {name} {_times(share)}" for share, name in named[1:]]
        return f"Had {spoken(truth)} been the truth, these data would have taken it {join_names([first, *rest])}."
    said = f"Had {spoken(truth)} been the truth, these data would have named it {100 * shares[truth]:.0f} times in 100"
    if not named:
        return f"{said}."
    return f"{said}; it would have been taken {join_names([f'for {name} {_times(share)}' for share, name in named])}."


def could_have_told(
    table: pd.DataFrame | None,
    similarity: pd.DataFrame,
    same: Mapping[str, str],
    pictures: str,
    remedy: Callable[[str, str], str] = lambda *pair: SEARCHES,
) -> str:
    """Whether the data could have told the encoders that matter from all others, as a sentence.

    These are the most similar layer that learned and the most similar encoder of all. Layers that cannot be told from
    their untrained twins are named, too. Empty if it is not known.

    Parameters
    ----------
    table : DataFrame or None
        The rows of ``identification.csv``.
    similarity : DataFrame
        Those of ``similarity.csv``.
    same : mapping of str to str
        Encoders with the RDM of another one, and that one.
    pictures : str
        What the stimuli are called, such as ``"gratings"``.
    remedy : callable
        Given a truth and the encoder that it is taken for, what is said of other stimuli where these could not tell the
        two apart: see :class:`normenc.report.proposed.Remedy`.

    Examples
    --------
    >>> similarity = pd.DataFrame({
    ...     "encoder": ["pool", "gabor"], "kind": ["trained layer", "control"], "similarity": [0.6, 0.7]})
    >>> table = pd.DataFrame({
    ...     "encoder": ["pool", "pool", "gabor", "gabor"], "other": ["pool", "gabor"] * 2, "share": [1, 0, 0.46, 0.54]})
    >>> could_have_told(table, similarity, {}, "gratings")
    'These gratings cannot separate gabor from pool: had gabor been the truth, these data would have named it 54 times in 100, and pool 46 times; `normenc design` searches for stimuli that would.'
    >>> could_have_told(table.assign(share=[1, 0, 0.02, 0.98]), similarity, {}, "gratings")
    'These gratings can tell both gabor and pool from the other encoders: had either been the truth, these data would have named it at least 98 times in 100.'
    >>> alike = pd.DataFrame({"encoder": "fc, untrained", "other": ["fc", "fc, untrained"], "share": [0.4, 0.6]})
    >>> more = pd.DataFrame({
    ...     "encoder": ["fc", "fc, untrained"], "kind": ["trained layer", "untrained twin"], "similarity": [0.5, 0.4]})
    >>> said = could_have_told(
    ...     pd.concat([table.assign(share=[1, 0, 0, 1]), alike]), pd.concat([similarity, more]), {}, "gratings")
    >>> print(said.partition("; ")[2])
    they cannot tell fc from its untrained twin, whose recordings would have been taken for it 40 times in 100.
    """  # noqa: E501 (a sentence is a line of its own)
    if table is None:
        return ""
    known = similarity[similarity["similarity"].notna() & ~did_not_learn(similarity)]
    known = known.sort_values("similarity", ascending=False)
    first = [rows["encoder"].iloc[0] for rows in (known, known[known["kind"].isin(LEARNED)]) if len(rows)]
    for one in dict.fromkeys(first):
        like = [same[one]] if one in same else [other for other, own in same.items() if own == one]
        if like:
            alike = join_names([spoken(name) for name in like])
            said = f"No recording of these {pictures} can tell {spoken(one)} from {alike}: their RDMs are the same"
            found = remedy(one, like[0])
            return f"{said}." if found == SEARCHES else f"{said}; {found}."
    names = {one: spoken(one) for one in similarity["encoder"]}
    twins = similarity.loc[similarity["kind"] == EncoderKind.TWIN, "encoder"].tolist()
    truths = [one for one in dict.fromkeys(first) if one in set(table["encoder"])]
    shares = {truth: _shares_of(table, truth) for truth in truths}
    for truth, own in shares.items():
        if own.get(truth, 0.0) < SURE:
            others = own.drop(truth, errors="ignore").sort_values(ascending=False)
            verb = "cannot" if others.iloc[0] >= UNSURE else "do not always"
            name = names[truth]
            other = names[others.index[0]]
            is_twin = other == f"untrained {name}"
            other = "its untrained twin" if is_twin else other
            named = truth if is_twin else ""
            more = _like_their_twins(table, known, twins, same, named=named, they="these data")
            return (
                f"These {pictures} {verb} separate {name} from {other}: had {name} been the truth, these "
                f"data would have named it {100 * own.get(truth, 0.0):.0f} times in 100, and {other} "
                f"{_times(others.iloc[0])}; {remedy(truth, str(others.index[0]))}{more}."
            )
    if not truths:
        return ""
    least = round(100 * min(own[truth] for truth, own in shares.items()))
    either, it = ("both ", "either") if len(truths) > 1 else ("", "it")
    often = f"{'at least ' * (least < 100 and len(truths) > 1)}{least} times in 100"
    return (
        f"These {pictures} can tell {either}{join_names([names[one] for one in truths])} from the other encoders: had "
        f"{it} been the truth, these data would have named it {often}{_like_their_twins(table, known, twins, same)}."
    )


def _like_their_twins(
    table: pd.DataFrame,
    known: pd.DataFrame,
    twins: list[str],
    same: Mapping[str, str],
    named: str = "",
    they: str = "they",
) -> str:
    """Untrained twins that are taken for layers that learned, their own but for one that is `named`, or others."""
    layers = [layer for layer in known.loc[known["kind"].isin(LEARNED), "encoder"] if layer != named]
    own: dict[str, int] = {}
    others: dict[str, str] = {}
    for twin in twins:
        shares = _shares_of(table, twin)
        for layer in layers:
            alike = same.get(twin) == layer or same.get(layer) == twin
            share = round(100 * (1.0 if alike else float(shares.get(layer, 0.0))))
            if share < 100 * UNSURE:
                continue
            if spoken(twin) == f"untrained {spoken(layer)}":
                own[spoken(layer)] = share
            else:
                others[spoken(twin)] = (
                    f"had {spoken(twin)} been the truth, {they} would have named {spoken(layer)} {share} times in 100"
                )
    said = ""
    if own:
        low, high = min(own.values()), max(own.values())
        often = f"{low} times" if low == high else f"{low} to {high} times"
        it, their = ("it", "its untrained twin") if len(own) == 1 else ("them", "their untrained twins")
        who = join_names([*own]) if len(own) <= MOST_NAMED else f"{len(own)} layers"
        said = (
            f"; {they} cannot tell {who} from {their}, whose recordings would have been taken for {it} {often} in 100"
        )
    if others:
        return f"{said}; but {', and '.join([*others.values()][:MOST_NAMED])}"
    return said


def _shares_of(table: pd.DataFrame, truth: str) -> pd.Series:
    rows = table[table["encoder"] == truth]
    return rows.set_index("other")["share"].astype(float)


def _times(share: float) -> str:
    return "once" if round(100 * share) == 1 else f"{100 * share:.0f} times"


def identification_facts(run: Run) -> dict[str, Any] | None:
    """What the page says below the picture; None for runs that did not ask, and those of older versions.

    ``why_unknown`` is a sentence that says why nothing could be simulated; otherwise there are ``sentences`` and
    ``notes``.
    """
    facts = run.environment.get("identification")
    if facts is None or (run.identification is None and not facts["why_unknown"]):
        return None
    if run.identification is None:
        why = str(facts["why_unknown"])
        if COULD_HAVE_TOLD_NOTHING in why:
            return {"why_unknown": f"{why[:1].upper()}{why[1:]}."}
        return {"why_unknown": f"Whether these data could have told the encoders apart is not known: {why}."}
    sentences = [identified_sentence(run), _rate(run.identification), never_named(_matrix(run.identification))]
    notes = [simulated_in_words(facts), *(_same(*pair) for pair in facts["same"].items()), *facts["notes"]]
    return {"why_unknown": "", "sentences": [own for own in sentences if own], "notes": notes}


def _rate(table: pd.DataFrame) -> str:
    own = table[table["encoder"] == table["other"]]
    if own.empty:
        return ""
    n = int(own["n_simulations"].iloc[0])
    return rate_in_words(len(own), *mean_rate((own["share"] * n).round(), n))


def _matrix(table: pd.DataFrame) -> pd.DataFrame:
    return table.pivot_table(index="encoder", columns="other", values="share", sort=False)


def never_named(shares: pd.DataFrame) -> str:
    """Which encoders these data would not name even if they were the truth, and for whom they would be taken.

    Parameters
    ----------
    shares : DataFrame
        A row for each truth, a column for each encoder that it could be taken for.

    Examples
    --------
    >>> names = ["pool", "fc", "pixels"]
    >>> shares = pd.DataFrame([[1, 0, 0], [0.6, 0.0, 0.4], [0, 0, 1]], index=names, columns=names)
    >>> never_named(shares)
    'These data would never name fc, even if it were the truth: they would take it for pool 60 times in 100 and for pixels 40 times.'
    >>> print(never_named(shares.assign(pool=[0, 0, 0], pixels=[1, 1, 1])))
    These data would never name pool and fc, even if one of them were the truth: they would take each for pixels 100 times in 100.
    >>> never_named(shares.iloc[[0, 2]])
    ''
    """  # noqa: E501 (a sentence is a line of its own)
    found: dict[tuple[str, ...], list[str]] = {}
    for truth, row in shares.iterrows():
        own, others = row.get(truth, np.nan), row.drop(truth, errors="ignore").sort_values(ascending=False)
        if own < RARELY:
            most = list(others.items())[:MOST_NAMED]
            taken = [(name, share) for name, share in most if share >= WORTH_NAMING] or most[:1]
            first, *rest = [f"for {name} {_times(share)}" for name, share in taken]
            found.setdefault(("never" if own == 0 else "hardly ever", f"{first} in 100", *rest), []).append(str(truth))
    said = []
    for (often, *phrases), truths in found.items():
        if_true, them = ("one of them", "each") if len(truths) > 1 else ("it", "it")
        said.append(
            f"These data would {often} name {join_names(truths)}, even if {if_true} were the truth: they would take "
            f"{them} {join_names(phrases)}."
        )
    return " ".join(said)


def rate_in_words(n_encoders: int, rate: float, low: float, high: float) -> str:
    """How often the true one of all encoders would be named.

    Examples
    --------
    >>> rate_in_words(8, 0.62, 0.58, 0.66)
    'Over 8 encoders, the true one would have been named 62 times in 100 (95 % interval over simulations of these encoders 58 to 66).'
    """  # noqa: E501 (a sentence is a line of its own)
    return (
        f"Over {counted(n_encoders, 'encoder')}, the true one would have been named {100 * rate:.0f} times in 100 "
        f"(95 % interval over simulations of these encoders {100 * low:.0f} to {100 * high:.0f})."
    )


def simulated_in_words(facts: Mapping[str, Any]) -> str:
    """What was simulated, and where its noise is from, as in ``environment.json``."""
    neurons = facts["n_neurons"] if isinstance(facts["n_neurons"], list) else [facts["n_neurons"]]
    low, high = min(neurons), max(neurons)
    of_each = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    animals = f"{counted(facts['n_animals'], 'animal')} with {of_each} neurons each" if facts["n_animals"] > 1 else ""
    repeats = f"{facts['n_repeats']:g} trials of each" if facts["n_repeats"] != 1 else "one response to each"
    return (
        f"{facts['n_simulations']:,} recordings were simulated from each encoder: {animals or f'{of_each} neurons'}, "
        f"{counted(facts['n_stimuli'], 'stimulus')}, {repeats}. {noise_in_words(facts['noise_from'])}"
    )


def noise_in_words(noise_from: str) -> str:
    """Where the noise of simulated recordings is from, and how unequal their neurons and stimuli are.

    Examples
    --------
    >>> noise_in_words("its repeated trials")
    'How noisy neurons are, and how unequal neurons and stimuli are, was taken from the recording: its repeated trials.'
    >>> noise_in_words("the settings")
    'How noisy neurons are was taken from the settings.'
    """
    if noise_from == "the settings":
        return f"How noisy neurons are was taken from {noise_from}."
    return (
        f"How noisy neurons are, and how unequal neurons and stimuli are, was taken from the recording: {noise_from}."
    )


def _same(one: str, other: str) -> str:
    return (
        f"{spoken(one)} has the same RDM as {spoken(other)}: no recording can tell them apart, and they count as one."
    )
