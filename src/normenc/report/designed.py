"""The page of a design: the chosen stimuli, what each is for, and how often a recording of them would tell."""

import base64
import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from normenc import figures
from normenc.report.embedded import sheet_uri
from normenc.report.identified import noise_in_words
from normenc.report.learned import spoken
from normenc.report.pages import template
from normenc.rsa.design import TOLD
from normenc.runs.designs import of_own
from normenc.whole_files import write_whole

__all__ = ["write_design"]

PAGE = "index.html"
WIDEST = 192  # pixels of an image on the page
UNITS = {"orientation": "°", "phase": "°", "angle": "°", "spatial_frequency": " rad per pixel of 480 x 640"}


def write_design(design: Any, folder: str | Path) -> Path:
    """Write the page of a design, ``index.html``: one file that needs no network connection.

    Parameters
    ----------
    design : Design
        From :func:`normenc.study.design`.
    folder : str or Path
        Where its images and tables are.

    Returns
    -------
    Path
    """
    path = Path(folder) / PAGE
    text = template("design").render(
        title=design.study.name,
        sentences=sentences(design),
        picture=_picture(design.predicted),
        stimuli=_cards(design),
        names=list(design.discriminability),
        pairs=_pairs(design.discriminability),
        same=design.same,
        left_out=design.left_out,
        n_presentations=len(design.order),
        n_blanks=int((design.order["image"] == "").sum()),
        n_blocks=int(design.order["block"].max()),
    )
    write_whole(path, text.encode("utf-8"))
    return path


def sentences(design: Any) -> list[str]:
    """What was chosen, how often it would tell, what is hardest to tell apart, and what neurons were simulated."""
    settings, rates = design.study.design, design.predicted
    at = rates[rates["trials"] == settings.trials].groupby("stimuli")["rate"].mean()
    best = "synthesised" if "synthesised" in at else "chosen"
    n_candidates, n = len(design.discriminability), len(design.stimuli)
    found = [
        f"Had one of the {n_candidates} candidates been the truth, a recording of {design.n_neurons:,} neurons and "
        f"{settings.trials} trials of each of these {n} stimuli would have named it {100 * at[best]:.0f} times in 100; "
        f"{n} random stimuli of the same pool, {100 * at['random']:.0f} times."
    ]
    if "own stimuli" in at:
        n_own = int(rates.loc[rates["stimuli"] == "own stimuli", "n_stimuli"].iloc[0])
        found.append(
            f"The recording’s own {n_own:,} stimuli, with as many trials each, would have named it "
            f"{100 * at['own stimuli']:.0f} times."
        )
        found.append(whether_to_change(rates, best, settings.trials))
    truth, rival = design.worst
    least = float(design.discriminability.loc[truth, rival])
    truth, rival = spoken(truth), spoken(rival)
    if least < TOLD:
        found.append(f"Nothing in this pool tells {truth} from {rival}: were {truth} the truth, it would not lead.")
    else:
        found.append(
            f"Hardest to tell apart are {truth} and {rival}: were {truth} the truth, its lead over {rival} would be "
            f"{least:.1f} standard deviations."
        )
    return [*found, noise_in_words(design.noise_from), *design.notes]


def whether_to_change(predicted: pd.DataFrame, best: str, trials: int) -> str:
    """Whether new stimuli tell more than the recording's own at the same number of presentations, as a sentence.

    Parameters
    ----------
    predicted : DataFrame
        The rows of ``predicted.csv``.
    best : str
        "chosen" or "synthesised".
    trials : int
        Of each stimulus, as planned.

    Examples
    --------
    >>> predicted = pd.DataFrame({
    ...     "stimuli": ["chosen"] * 2 + ["own stimuli"] * 2, "n_stimuli": [40, 40, 20, 20], "trials": [5, 10] * 2,
    ...     "rate": [0.8, 0.99, 0.9, 0.97], "high": [0.83, 1.0, 0.92, 0.98]})
    >>> print(whether_to_change(predicted, "chosen", 10))
    At the same number of presentations (400, which is 20 trials of each of your own 20), your own stimuli would have named it 97 times: the chosen ones tell more. With 200 presentations or fewer your own tell more (97 times in 100 against 80 at 200): keep yours unless you record longer.
    >>> print(whether_to_change(predicted, "chosen", 5))
    Keep your own stimuli: at the same number of presentations (200, which is 10 trials of each of your own 20), they would have named it 97 times.
    """  # noqa: E501 (a sentence is a line of its own)
    new = predicted[predicted["stimuli"] == best].sort_values("trials")
    n_own = int(predicted.loc[predicted["stimuli"] == "own stimuli", "n_stimuli"].iloc[0])
    presentations, own_rate = new["n_stimuli"] * new["trials"], of_own(predicted, best, "rate")
    kept = own_rate > new["high"]
    here = int(np.flatnonzero(new["trials"] == trials)[0])
    n, rate = int(presentations.iloc[here]), own_rate[here]
    if np.isnan(rate):
        return f"Your own {n_own:,} stimuli take more than these {n:,} presentations to be shown once."
    same = f"at the same number of presentations ({n:,}, which is {n / n_own:.3g} trials of each of your own {n_own:,})"
    if kept.iloc[here]:
        return f"Keep your own stimuli: {same}, they would have named it {100 * rate:.0f} times."
    more = rate < new["low" if "low" in new else "rate"].iloc[here]
    verdict = f"the {best} ones tell more" if more else f"the {best} ones tell no more, so keep yours"
    said = f"{same[0].upper()}{same[1:]}, your own stimuli would have named it {100 * rate:.0f} times: {verdict}."
    if more and (less := np.flatnonzero(kept.to_numpy()[:here])).size:
        last = int(less[-1])
        said += (
            f" With {int(presentations.iloc[last]):,} presentations or fewer your own tell more "
            f"({100 * own_rate[last]:.0f} times in 100 against {100 * new['rate'].iloc[last]:.0f} at "
            f"{int(presentations.iloc[last]):,}): keep yours unless you record longer."
        )
    return said


def _pairs(table: pd.DataFrame) -> list[tuple[str, list[str]]]:
    rows = zip(table.index, table.to_numpy(), strict=True)
    return [(str(name), ["" if np.isnan(value) else f"{value:.1f}" for value in row]) for name, row in rows]


def _cards(design: Any) -> list[dict[str, str]]:
    own = {"image", "source", "kind", "truth", "rival"}
    numbers = [name for name in design.stimuli if name not in own]
    cards = []
    for image, row in zip(design.images, design.stimuli.to_dict("records"), strict=True):
        said = ", ".join(
            f"{name.replace('_', ' ')} {_value(row[name])}{UNITS.get(name, '')}"
            for name in numbers
            if not pd.isna(row[name])
        )
        said = ", ".join(filter(None, [str(row.get("kind", "")), said]))
        told = row["truth"] and design.discriminability.loc[row["truth"], row["rival"]] >= TOLD
        why = f"tells {spoken(row['truth'])} from {spoken(row['rival'])}" if told else ""
        cards.append({"uri": _uri(image), "name": row["image"], "source": row["source"], "said": said, "why": why})
    return cards


def _value(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _uri(image: Any) -> str:
    """The image, reduced to what the page shows."""
    picture, file = Image.fromarray(image), io.BytesIO()
    picture.thumbnail((WIDEST, WIDEST))
    picture.save(file, "PNG", optimize=True)
    return sheet_uri(file.getvalue())


def _picture(predicted: pd.DataFrame) -> str:
    import matplotlib.pyplot as plt

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        figure = figures.common.figure_of(figures.rates_over_trials(predicted))
        file = io.BytesIO()
        with figures.style():
            figure.savefig(file, format="svg", metadata={"Date": None}, facecolor="white")
        plt.close(figure)
    return "data:image/svg+xml;base64," + base64.b64encode(file.getvalue()).decode("ascii")
