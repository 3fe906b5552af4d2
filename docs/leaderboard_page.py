"""Write what docs/leaderboard.md tells: `python docs/leaderboard_page.py V1 NATURAL TRIAL CONTRASTIVE`.

These are four runs. The first two are of examples/leaderboard.toml, with the digitised V1 and with simulated-natural;
the others are of examples/leaderboard_trial.toml and examples/contrastive.toml. Tables are between two comments,
`<!-- NAME: written by docs/leaderboard_page.py -->` and `<!-- end -->`.
"""

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from scipy.stats import spearmanr

from generate import table
from normenc.encoders import EncoderKind
from normenc.figures.competence import with_known_competence
from normenc.runs import Run

PAGE = Path(__file__).parent / "leaderboard.md"
IMAGES = PAGE.parent / "images"
PART = re.compile(r"(<!-- (\S+): written by docs/leaderboard_page\.py -->\n).*?(?=<!-- end -->)", flags=re.DOTALL)
PICTURES = ("leaderboard", "over_training", "competence")
RIVALS = ("Fourier amplitude", "Gabor energy")
SIGNIFICANT, LEAST = 0.05, 0.001  # p-values
SCOPES = {False: "these stimuli", True: "other stimuli as well"}


def written(text: str, v1: Run, natural: Run, trial: Run, contrastive: Run) -> str:
    """A page with all its parts as the runs give them."""
    parts = {"scores": scores(v1)}
    parts |= {"trial": tested(trial), "contrastive": tested(contrastive)}
    for name, run in (("v1", v1), ("natural", natural)):
        parts[f"controls-{name}"] = controls(run)
        parts[f"training-{name}"] = over_training(run)
        parts[f"learning-{name}"] = learning(run)
        parts[f"best-{name}"] = best(run)
        parts[f"beyond-{name}"] = beyond(run)
        parts[f"competence-{name}"] = competence(run)
    return PART.sub(lambda found: f"{found[1]}\n{parts[found[2]]}\n\n", text)


def scores(run: Run) -> str:
    """What each network reached in each task, the mean over seeds; in italics where it did not learn."""
    reached = run.similarity[run.similarity["kind"] == EncoderKind.TRAINED].drop_duplicates(["task", "network"])
    networks = list(dict.fromkeys(reached["network"]))
    lines = []
    for task, rows in reached.groupby("task", sort=False):
        cells = {row["network"]: _score(row) for _, row in rows.iterrows()}
        first = rows.iloc[0]
        head = (str(task), str(first["score_name"]), f"{first['chance']:.3g}")
        lines.append((*head, *(cells.get(network, "failed") for network in networks)))
    return table(("norm", "score", "chance", *networks), lines)


def _score(row: pd.Series) -> str:
    cell = f"{row['score']:.3g}"
    if row["n_learned"] < row["n_seeds"]:
        cell += f" ({row['n_learned']:.0f} of {row['n_seeds']:.0f})"
    return cell if row["learned"] else f"*{cell}*"


def controls(run: Run) -> str:
    """Similarities of the controls, with their intervals for other stimuli, the most similar first."""
    rows = _similarities(run)[True]
    rows = rows[rows["kind"] == EncoderKind.CONTROL].sort_values("similarity", ascending=False)
    lines = [(row.encoder, f"{row.similarity:.3f}", f"{row.low:.3f} to {row.high:.3f}") for row in rows.itertuples()]
    return table(("control", "similarity", f"95 % confidence interval, {SCOPES[True]}"), lines)


def learning(run: Run) -> str:
    """Of each norm, how many layers of networks that learned it became more or less similar by training.

    They count where the interval of the difference leaves out 0; in brackets those that stay significant when corrected
    for all planned differences.
    """
    lines = []
    for task in _tasks(run):
        cells: list[str] = []
        for of_scope in _differences(run).values():
            own = of_scope[(of_scope["task"] == task) & (of_scope["other_kind"] == EncoderKind.TWIN)]
            own = own[own["learned"].fillna(False).astype(bool)]
            if not cells:
                cells += [str(len(own)), f"{own['difference'].mean():+.3f}" if len(own) else ""]
            cells.append(" / ".join(_count(own, sign) for sign in (1, -1)) if len(own) else "")
        lines.append((task, *cells))
    head = ("norm", "layers", "mean change", *(f"more / less similar, {SCOPES[random]}" for random in SCOPES))
    return table(head, lines)


def _count(rows: pd.DataFrame, sign: int) -> str:
    """How many differences of this sign have an interval without 0, and in brackets how many stay significant."""
    sure = (sign * rows["difference"] > 0) & (rows["low"] * rows["high"] > 0)
    return f"{sure.sum()} ({(sure & (rows['p_holm'] < SIGNIFICANT)).sum()})"


def best(run: Run) -> str:
    """The most similar layer of each norm that was learned, and what training did to it."""
    lines = []
    for task, layer in _best_layers(run):
        twin = _against(run, layer, EncoderKind.TWIN)
        lines.append((task, _named(layer), f"{layer.similarity:.3f}", *(_difference(twin[own]) for own in SCOPES)))
    return table(("norm", "layer", "similarity", *(f"minus its twin, {SCOPES[random]}" for random in SCOPES)), lines)


def beyond(run: Run) -> str:
    """What these layers have beyond Fourier amplitude and Gabor energy, and beyond all controls together."""
    lines = []
    for task, layer in _best_layers(run):
        cells = [
            _difference(_against(run, layer, EncoderKind.CONTROL, rival)[random])
            for rival in RIVALS
            for random in SCOPES
        ]
        lines.append((f"{task}: {_named(layer)}", *cells, _unique(run, layer)))
    head = [f"minus {rival}, {SCOPES[random]}" for rival in RIVALS for random in SCOPES]
    return table(("layer", *head, "unique beyond all controls"), lines)


def _unique(run: Run, layer: pd.Series) -> str:
    rows = run.partitioning
    assert rows is not None
    rows = rows[(rows["encoder"] == layer["encoder"]) & (rows["variance_of"] == "dissimilarities")]
    row = rows.iloc[0]
    if pd.isna(row["p_holm"]):
        return f"{row['unique']:.3f}"
    return f"{row['unique']:.3f} ({row['unique_low']:.3f} to {row['unique_high']:.3f}), {_p(row)}"


def competence(run: Run) -> str:
    """Rank correlation of score and similarity over the networks and seeds of each norm, of its most similar layers."""
    known = with_known_competence(run.similarity_by_seed)
    means = known.groupby(["task", "network", "layer"], sort=False)["similarity"].mean().reset_index()
    chosen = means.loc[means.groupby(["task", "network"], sort=False)["similarity"].idxmax()]
    points = known.merge(chosen[["task", "network", "layer"]], on=["task", "network", "layer"])
    lines = [_ranks(str(task), own) for task, own in points.groupby("task", sort=False)]
    return table(("norm", "networks", "rank correlation of score and similarity"), [*lines, _ranks("all", points)])


def _ranks(name: str, points: pd.DataFrame) -> tuple[str, str, str]:
    return name, str(len(points)), f"{spearmanr(points['competence'], points['similarity']).statistic:+.2f}"


def over_training(run: Run) -> str:
    """Mean similarity, at each checkpoint, of all layers of networks that learned."""
    assert run.over_training is not None
    rows = run.over_training
    rows = rows[rows["learned"].fillna(False).astype(bool)]
    means = rows.pivot_table(index="task", columns="epoch", values="similarity", sort=False)
    lines = [(str(task), *(f"{value:.3f}" for value in own)) for task, own in means.iterrows()]
    return table(("norm", *(f"epoch {epoch}" for epoch in means)), lines)


def tested(run: Run) -> str:
    """A single layer on trial: its differences from its twin and from each control, in both scopes."""
    own = _differences(run)
    rows = own[False]
    rows = rows[rows["other_kind"].isin((EncoderKind.TWIN, EncoderKind.CONTROL))]
    similarity = run.similarity.set_index("encoder")["similarity"]
    lines = []
    for place in rows.index:
        other = rows.loc[place, "other"]
        lines.append(
            (f"{other} ({similarity[other]:.3f})", *(_difference(own[random].loc[place]) for random in SCOPES))
        )
    layer = rows["encoder"].iloc[0]
    return table((f"`{layer}` ({similarity[layer]:.3f}) minus", *SCOPES.values()), lines)


def _tasks(run: Run) -> list[str]:
    trained = run.similarity[run.similarity["kind"] == EncoderKind.TRAINED]
    return list(dict.fromkeys(trained["task"]))


def _best_layers(run: Run) -> Iterator[tuple[str, pd.Series]]:
    """Of each norm that a network learned, the row of its most similar layer, the most similar norm first."""
    rows = run.similarity[run.similarity["learned"].fillna(False).astype(bool)]
    for _, row in rows.sort_values("similarity", ascending=False).drop_duplicates("task").iterrows():
        yield str(row["task"]), row


def _named(layer: pd.Series) -> str:
    return f"{layer['network']} `{layer['layer']}`"


def _similarities(run: Run) -> dict[bool, pd.DataFrame]:
    """The similarities by whether intervals generalise to other stimuli."""
    return _by_scope(run, run.similarity, run.similarity_by_scope)


def _differences(run: Run) -> dict[bool, pd.DataFrame]:
    """Likewise the differences."""
    return _by_scope(run, run.differences, run.differences_by_scope)


def _by_scope(run: Run, own: pd.DataFrame, other: pd.DataFrame | None) -> dict[bool, pd.DataFrame]:
    assert other is not None
    random = "stimuli" in str(run.similarity["resampled"].iloc[0]).split()
    return {False: other if random else own, True: own if random else other}


def _against(run: Run, layer: pd.Series, kind: str, name: str | None = None) -> dict[bool, pd.Series]:
    """The row of a layer's difference from its twin, or from a control, in each scope."""
    found = {}
    for random, rows in _differences(run).items():
        rows = rows[(rows["encoder"] == layer["encoder"]) & (rows["other_kind"] == kind)]
        found[random] = (rows if name is None else rows[rows["other"] == name]).iloc[0]
    return found


def _difference(row: pd.Series) -> str:
    told = f"{row['difference']:+.3f}"
    if pd.isna(row["low"]):
        return told
    return f"{told} ({row['low']:+.3f} to {row['high']:+.3f}), {_p(row)}"


def _p(row: pd.Series) -> str:
    """The p-value, and in brackets that corrected by Holm's method."""
    own, corrected = (f"{value:.2g}" if value >= LEAST else f"< {LEAST}" for value in (row["p"], row["p_holm"]))
    return f"p {'' if own.startswith('<') else '= '}{own} ({corrected})"


if __name__ == "__main__":
    v1, natural, trial, contrastive = (Run.open(folder) for folder in sys.argv[1:])
    text = written(PAGE.read_text(encoding="utf-8"), v1, natural, trial, contrastive)
    PAGE.write_text(text, encoding="utf-8")
    for run, ending in ((v1, ""), (natural, "_natural")):
        for picture in PICTURES:
            shutil.copyfile(run.folder / "figures" / f"{picture}.png", IMAGES / f"{picture}{ending}.png")
