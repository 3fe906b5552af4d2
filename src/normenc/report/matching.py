"""The same encoders in several runs: their similarities, and the conclusions of each run about them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from normenc.csv_tables import encoders_of
from normenc.encoders import EncoderId, EncoderKind, Naming
from normenc.report.learned import learned_rows
from normenc.runs import Run

__all__ = [
    "MIN_ORDERED",
    "conclusions",
    "encoder_table",
    "order_agreement",
    "predictivity_table",
    "share_of_ceiling",
    "similarity_by_run",
]

ALPHA = 0.05
MIN_ORDERED = 4  # encoders, the fewest whose order can be compared
MORE, LESS, UNDECIDED = "significantly more similar", "significantly less similar", "no significant difference"
ABOVE, NOT_ABOVE = "significantly above chance", "not significantly above chance"
RANGES = ("n_seeds", "seed_low", "seed_high")
BELOW, NOT_BELOW = "significantly below the ceiling", "not significantly below the ceiling"


def encoder_table(runs: Sequence[Run]) -> pd.DataFrame:
    """Similarities of all runs in one tidy table, in which the same encoder has the same name.

    Encoders are the same if network, layer and kind (trained, untrained twin, control) agree, and also the task's label
    if any of the runs has several tasks. If each run has a single task, its label is ignored: the task is then a
    setting like others, and may differ.

    Parameters
    ----------
    runs : sequence of Run

    Returns
    -------
    DataFrame
        A row for each run and encoder: ``run`` (its number, from 0), ``label`` (the run's), ``encoder``, ``kind``,
        ``name`` (that of the encoder in the run's own tables), the similarity with its interval, tests and ceiling as
        in ``similarity.csv``, ``share`` of the lower ceiling, and ``n_seeds``, ``seed_low``, ``seed_high``: the number
        of networks and the range of their similarities.
    """
    naming = Naming.of(encoder for run in runs for encoder in encoders_of(run.similarity))
    naming = replace(naming, with_task=any(run.n_tasks > 1 for run in runs))
    tables = []
    for number, run in enumerate(runs):
        own = encoders_of(run.similarity)
        table = run.similarity.rename(columns={"encoder": "name"})
        table["encoder"] = [naming.label(encoder) for encoder in own]
        table["share"] = [share_of_ceiling(row) for row in table.itertuples()]
        ranges = _seed_ranges(run)
        own_ranges = [ranges.get(encoder.of_all_seeds, {}) for encoder in own]
        table = table.assign(**{name: [one.get(name, np.nan) for one in own_ranges] for name in RANGES})
        table.loc[table["kind"] == EncoderKind.CONTROL, [*RANGES]] = np.nan
        table = table.drop_duplicates(["encoder", "kind"])
        tables.append(table.assign(run=number, label=run.label))
    return pd.concat(tables, ignore_index=True)


def _seed_ranges(run: Run) -> dict[EncoderId, dict[str, float]]:
    """Number of seeds of each encoder, and the range of their similarities."""
    values: dict[EncoderId, list[float]] = {}
    for encoder, similarity in zip(
        encoders_of(run.similarity_by_seed), run.similarity_by_seed["similarity"], strict=True
    ):
        values.setdefault(encoder.of_all_seeds, []).append(similarity)
    return {
        encoder: {"n_seeds": len(own), "seed_low": np.min(own), "seed_high": np.max(own)}
        for encoder, own in values.items()
    }


def share_of_ceiling(row: Any) -> float:
    """Similarity as a share of the lower noise ceiling; NaN if there is no ceiling or its interval includes 0."""
    reaches_zero = np.isfinite(row.ceiling_lower_low) and row.ceiling_lower_low <= 0
    if not np.isfinite(row.ceiling_lower) or row.ceiling_lower <= 0 or reaches_zero:
        return float("nan")
    return float(row.similarity / row.ceiling_lower)


def conclusions(runs: Sequence[Run], table: pd.DataFrame) -> pd.DataFrame:
    """The conclusions of each run about the layers that learned: chance, ceiling, untrained twin and each control.

    Parameters
    ----------
    runs : sequence of Run
    table : DataFrame
        Of :func:`encoder_table`.

    Returns
    -------
    DataFrame
        A row for each run and test: ``run``, ``encoder``, ``other`` (``"chance"``, ``"noise ceiling"``, ``"untrained
        twin"``, or a control's name), ``verdict``, ``difference`` (NaN against chance) with ``low`` and ``high`` (NaN
        against chance and ceiling), and ``p``, Holm-corrected within its run. Only tests that were made have a row.
    """
    rows: list[dict[str, Any]] = []
    for number, run in enumerate(runs):
        learned = learned_rows(table[table["run"] == number])
        names = dict(zip(learned["name"], learned["encoder"], strict=True))
        for row in learned.itertuples():
            rows += [{"run": number, "encoder": row.encoder, **test} for test in _against_references(row)]
        for row in run.differences.itertuples():
            known = np.isfinite([row.difference, row.p_holm]).all()
            if row.encoder in names and row.other_kind in (EncoderKind.TWIN, EncoderKind.CONTROL) and known:
                other = row.other_kind if row.other_kind == EncoderKind.TWIN else str(row.other)
                rows.append(
                    {"run": number, "encoder": names[row.encoder], "other": other, "verdict": _verdict(row)}
                    | {"difference": row.difference, "low": row.low, "high": row.high, "p": row.p_holm}
                )
    columns = ["run", "encoder", "other", "verdict", "difference", "low", "high", "p"]
    return pd.DataFrame(rows, columns=columns)


def _against_references(row: Any) -> Iterator[dict[str, Any]]:
    nothing = {"difference": np.nan, "low": np.nan, "high": np.nan}
    if np.isfinite(row.p_permutations_holm):
        verdict = ABOVE if row.p_permutations_holm <= ALPHA else NOT_ABOVE
        yield {"other": "chance", "verdict": verdict, "p": row.p_permutations_holm} | nothing
    if np.isfinite([row.p_ceiling_holm, row.ceiling_lower, row.similarity]).all():
        below = row.p_ceiling_holm <= ALPHA and row.similarity < row.ceiling_lower
        verdict = BELOW if below else NOT_BELOW
        difference = nothing | {"difference": row.similarity - row.ceiling_lower}
        yield {"other": "noise ceiling", "verdict": verdict, "p": row.p_ceiling_holm} | difference


def _verdict(row: Any) -> str:
    if row.p_holm > ALPHA:
        return UNDECIDED
    return MORE if row.difference > 0 else LESS


def order_agreement(runs: Sequence[Run], table: pd.DataFrame) -> pd.DataFrame:
    """Spearman's rank correlation of similarities, for each two runs, over the encoders that they have in common.

    Returns
    -------
    DataFrame
        ``one``, ``other`` (numbers of runs), ``n`` encoders, and ``rho``: NaN for fewer than four, or if all are
        equally similar in a run.

    Notes
    -----
    There is no p-value: encoders are not an independent sample, because layers of a network resemble each other.
    """
    from scipy.stats import spearmanr

    wide = similarity_by_run(table)
    rows = []
    for one, other in combinations(range(len(runs)), 2):
        both = wide[[one, other]].replace([np.inf, -np.inf], np.nan).dropna()
        constant = (both.nunique() < 2).any()
        known = len(both) >= MIN_ORDERED and not constant
        rho = float(spearmanr(both[one], both[other]).statistic) if known else float("nan")
        rows.append({"one": one, "other": other, "n": len(both), "rho": rho})
    return pd.DataFrame(rows)


def similarity_by_run(table: pd.DataFrame) -> pd.DataFrame:
    """Similarities of :func:`encoder_table`: a row for each kind and encoder, a column for each run; NaN if missing."""
    return table.set_index(["kind", "encoder", "run"])["similarity"].unstack("run")  # noqa: PD010 (nothing to mean)


def predictivity_table(runs: Sequence[Run], table: pd.DataFrame) -> pd.DataFrame:
    """How well each encoder predicts neurons, in the runs that tested it: a row for each run and encoder.

    Returns
    -------
    DataFrame
        ``run``, ``encoder``, ``kind``, ``method``, ``r`` and ``feve``, with intervals if known. Encoders without a
        similarity, such as networks fitted to the neurons, keep their own labels.
    """
    rows = []
    for number, run in enumerate(runs):
        if run.predictivity is None:
            continue
        own = table[table["run"] == number]
        names = dict(zip(zip(own["name"], own["kind"], strict=True), own["encoder"], strict=True))
        for row in run.predictivity.to_dict("records"):
            predictivity = {
                name: row.get(name) for name in ("method", "r", "r_low", "r_high", "feve", "feve_low", "feve_high")
            }
            label, kind = str(row["encoder"]), str(row["kind"])
            rows.append({"run": number, "encoder": names.get((label, kind), label), "kind": kind} | predictivity)
    return pd.DataFrame(rows).drop_duplicates(["run", "encoder", "kind"]) if rows else pd.DataFrame()
