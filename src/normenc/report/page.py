"""From a run's folder to ``report.html``."""

import base64
import json
import tomllib
from pathlib import Path

import pandas as pd

from normenc.errors import InputError

__all__ = ["findings", "render", "write"]

REPORT = "report.html"
SAME = 0.01  # similarities closer than this are called equal; there is no interval yet to say it better


def write(folder: str | Path) -> Path:
    """Write ``report.html`` into a run's folder, from what stands there.

    Parameters
    ----------
    folder : str or Path
        As written by :func:`normenc.study.run`.

    Returns
    -------
    Path
        Of the page.

    Raises
    ------
    InputError
        When the folder holds no whole run.
    """
    target = Path(folder) / REPORT
    aside = target.with_name(f".{REPORT}.part")
    try:
        aside.write_text(render(folder), encoding="utf-8")
        aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)
    return target


def render(folder: str | Path) -> str:
    """The page of a run's folder as HTML; texts from the run are escaped, pictures embedded.

    Raises
    ------
    InputError
        When the folder holds no whole run.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    folder = Path(folder)
    try:
        study_toml = (folder / "study.toml").read_text(encoding="utf-8")
        environment = json.loads((folder / "environment.json").read_text(encoding="utf-8"))
        similarity = pd.read_csv(folder / "similarity.csv")
        training = pd.read_csv(folder / "training.csv")
        pictures = {path.stem: _data_uri(path) for path in sorted((folder / "figures").glob("*.svg"))}
    except FileNotFoundError as error:
        raise InputError(f"{folder}: this is no whole run, {Path(error.filename).name} is missing") from None
    page = Environment(
        loader=PackageLoader("normenc.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    ).get_template("page.html.j2")
    return page.render(
        study=tomllib.loads(study_toml),
        study_toml=study_toml,
        environment=environment,
        recording=environment["recording"],
        findings=findings(similarity),
        rows=similarity.to_dict("records"),
        losses=_losses(training),
        has_responses="known only by its RDM" not in environment["recording"]["description"],
        pictures=pictures,
    )


def findings(similarity: pd.DataFrame) -> list[str]:
    """Say in words what the table of similarities shows, by fixed rules.

    Parameters
    ----------
    similarity : DataFrame
        The rows of ``similarity.csv``, of one recording and comparison.

    Returns
    -------
    list of str
        First the layer that matches best, then each trained layer beside its untrained twin, then the best control.
        Differences below 0.01 are called equal.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "recording": "V1", "model": ["CNN", "CNN", "pixels"], "layer": ["fc", "fc", "pixels"],
    ...     "trained": [True, False, False], "seed": [1, 1, None], "comparison": "pearson",
    ...     "similarity": [0.6, 0.4, 0.7]})
    >>> for sentence in findings(table):
    ...     print(sentence)
    Of the trained layers, fc matches V1 best (similarity 0.600).
    fc is more similar after training (0.600) than before (0.400): a difference of +0.200.
    The control pixels (0.700) matches better than every trained layer.
    """
    trained = similarity[similarity["trained"]]
    twins = similarity[~similarity["trained"] & similarity["seed"].notna()].set_index("layer")["similarity"]
    controls = similarity[similarity["seed"].isna()]
    best = trained.loc[trained["similarity"].idxmax()]
    sentences = [
        f"Of the trained layers, {best['layer']} matches {best['recording']} best "
        f"(similarity {best['similarity']:.3f})."
    ]
    for layer, after in zip(trained["layer"], trained["similarity"], strict=True):
        before = float(twins[layer])
        if abs(after - before) < SAME:
            verdict = "is no more similar"
        else:
            verdict = "is more similar" if after > before else "is less similar"
        sentences.append(
            f"{layer} {verdict} after training ({after:.3f}) than before ({before:.3f}): "
            f"a difference of {after - before:+.3f}."
        )
    control = controls.loc[controls["similarity"].idxmax()]
    margin = control["similarity"] - best["similarity"]
    relation = (
        "matches as well as the best trained layer"
        if abs(margin) < SAME
        else "matches better than every trained layer"
        if margin > 0
        else f"matches less well than {best['layer']}"
    )
    sentences.append(f"The control {control['model']} ({control['similarity']:.3f}) {relation}.")
    return sentences


def _losses(training: pd.DataFrame) -> list[tuple[int, float]]:
    """Loss of the last batch at the first, the last and every fifth epoch between."""
    last = training.groupby("epoch")["loss"].last()
    return [(int(epoch), float(loss)) for epoch, loss in last.items() if _shown(int(str(epoch)), len(last))]


def _shown(epoch: int, n_epochs: int) -> bool:
    every = max(5, n_epochs // 10)
    return epoch in (1, n_epochs) or epoch % every == 0


def _data_uri(path: Path) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(path.read_bytes()).decode("ascii")
