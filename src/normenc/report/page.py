"""The page of a run, ``report.html``, made from the run's folder."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from normenc.encoders import EncoderKind
from normenc.errors import InputError
from normenc.recordings.steps import only_responsive
from normenc.report.embedded import picture_uri
from normenc.report.explorer import explorer
from normenc.report.fit_notes import fit_notes
from normenc.report.methods import methods
from normenc.report.partition_sentences import beyond, beyond_controls
from normenc.report.reference_sentences import ALPHA
from normenc.report.reproducing import needed_code, used_settings
from normenc.report.sentences import answer, findings, limits
from normenc.report.stages import left_out, stages_of
from normenc.report.wording import FACTORS, counted, join_factors, join_names, shown, the_recording
from normenc.runs import Run
from normenc.runs.agreement import agreeing, check_type
from normenc.runs.pictures import captions, unplaced
from normenc.runs.populations import shown_order
from normenc.runs.publishing import add
from normenc.runs.schema import FAILED_FIT, REPORT, SETTINGS
from normenc.stimulus_types import as_type
from normenc.texts import own_stem

__all__ = ["render", "write"]

N_BEST, SILENT = 3, 0.05  # units that are drawn; share of the largest response below which a unit hardly responds


def write(folder: str | Path) -> Path:
    """Write ``report.html`` into a run's folder, from the files there.

    The page then belongs to the run. A page that was edited after the run wrote it is saved in ``kept``.

    Parameters
    ----------
    folder : str or Path
        As written by :func:`normenc.study.run`.

    Returns
    -------
    Path
        Path of the page.

    Raises
    ------
    InputError
        When the folder is not a complete run, or another run is being written there.
    OSError
        When the page cannot be written.
    """
    page = render(folder).encode("utf-8")
    add(Path(folder), {REPORT: page})
    return Path(folder) / REPORT


def render(folder: str | Path) -> str:
    """The page of a run's folder as HTML; texts are escaped, and figures, data and scripts embedded.

    Raises
    ------
    InputError
        When the folder is not a complete run.
    """
    run = Run.open(folder)
    check_type(run)
    with agreeing(run):
        return _rendered(run)


def _rendered(run: Run) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    study, environment = run.settings, run.environment
    similarity, differences, training = run.similarity, run.differences, run.training
    kind = as_type(environment["recording"]["stimuli"])
    pictures = {name: picture_uri(content) for name, content in run.drawn().items()}
    networks = [_described(section) for section in _sections(study.get("network", []))]
    tasks = [_task(section, study["training"], networks) for section in _sections(study.get("task", []))]
    controls = similarity.loc[similarity["kind"] == EncoderKind.CONTROL, "network"].unique().tolist()
    layers = similarity.loc[similarity["kind"] == EncoderKind.TRAINED, "layer"].unique().tolist()
    paragraph, references = methods(
        study,
        environment,
        tasks,
        networks,
        layers,
        controls,
        run.partitioning,
        between_animals=run.between_animals is not None,
    )
    by_method = _by_method(similarity, run.similarity_by_method)
    data = explorer(run, by_method)
    predictivity = _records(run.predictivity)
    page = Environment(
        loader=PackageLoader("normenc.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=shown,
    ).get_template("page.html.j2")
    return page.render(
        study=study,
        tasks=tasks,
        networks=networks,
        encoders=environment.get("encoders", []),
        is_grid=run.is_grid,
        scores=_scores(run.scores),
        failures=_records(run.failures),
        study_toml=used_settings(run.text(SETTINGS), study, gratings=kind.period is not None),
        needed_code=needed_code(study),
        environment=environment,
        recording=environment["recording"],
        quality=run.quality,
        answer=" ".join(filter(None, [answer(similarity, differences), beyond(run.partitioning, similarity)])),
        findings=[
            *findings(similarity, differences, stimulus_type=environment["recording"]["stimuli"]),
            *beyond_controls(run.partitioning, similarity),
            *limits(environment["recording"], environment["inference"].get("n_different_images")),
        ],
        the_recording=the_recording(environment["recording"]["name"]),
        resampled=_sized(environment["inference"]["resampled"]),
        n_models=counted(int(similarity["p_permutations_holm"].notna().sum()), "model"),
        n_tests=counted(n_tests, "difference") if (n_tests := int(differences["p_holm"].notna().sum())) else "",
        drawn=_drawn(similarity, environment),
        stages=stages_of(study),
        left_out=left_out(study),
        generalises=join_factors(
            environment["inference"]["resampled"], one_network=len(environment["seeds"]["training"]) <= 1
        ),
        rows=similarity.to_dict("records"),
        kinds=similarity["kind"].unique().tolist(),
        ceiling=similarity.iloc[0].to_dict(),
        by_method=by_method,
        differences=differences.to_dict("records"),
        partitioning=_records(run.partitioning),
        with_twins=_knows(run.partitioning, "beyond_twin"),
        between_animals=_records(run.between_animals),
        losses=[] if training is None else _losses(_first_unit(training)),
        has_responses=environment["recording"]["n_neurons"] is not None,
        stimulus_type=kind,
        coloured_by=_coloured_by(run) if "embeddings" in pictures else "",
        described_type=as_type(environment["recording"].get("described", environment["recording"]["stimuli"])),
        turned=_turned(run),
        tuning=_tuning(run),
        predictivity=predictivity,
        predictivity_facts=_predictivity_facts(predictivity),
        fitted=_pictures_of_fits(predictivity),
        methods=paragraph,
        references=references,
        pictures=pictures,
        captions=(said := captions(run)),
        more=[(name, said[name]) for name in pictures if name in unplaced(run)],
        data=None if data is None else json.dumps(data, allow_nan=False).replace("<", "\\u003c"),
        plotly=_plotly() if data is not None else "",
    )


def _coloured_by(run: Run) -> str:
    """What the colours of the embeddings' points say; empty where all have one colour, as in older runs of images."""
    kind = as_type(run.environment["recording"]["stimuli"])
    if not kind.is_named:
        return f"{kind.noun}{' (both ends of the circle share a colour)' if kind.period is not None else ''}"
    try:
        return str(run.source_data.get("image_colours", {}).get("label", ""))
    except InputError:
        return ""


def _turned(run: Run) -> str:
    """How figures show a stimulus that the recording counts differently; empty where none is."""
    if run.populations is None and "shown" not in run.source_data:  # an older version, which kept its figures
        return ""
    shown, (values, order) = as_type(run.recording["stimuli"]), shown_order(run)
    own = run.stimulus_values[order]
    turned = np.flatnonzero(values != own)
    return f"{shown.text(own[turned[-1]])} is shown as {shown.text(values[turned[-1]])}" if turned.size else ""


def _sized(resampled: dict[str, int]) -> str:
    """Size of each resampled factor, such as "12 stimuli and 5 seeds"."""
    one = {"stimuli": "stimulus"}
    ordered = sorted(resampled, key=lambda factor: FACTORS.index(factor) if factor in FACTORS else len(FACTORS))
    return join_names([counted(resampled[f], one.get(f, f.removesuffix("s"))) for f in ordered]) or "nothing"


def _drawn(similarity: pd.DataFrame, environment: dict[str, Any]) -> dict[str, bool]:
    """What the figure of similarities shows, for its caption."""
    return {
        "intervals": bool(similarity["low"].notna().any()),
        "ceiling": bool(similarity["ceiling_lower"].notna().any()),
        "controls": bool((similarity["kind"] == EncoderKind.CONTROL).any()),
        "twins": bool((similarity["kind"] == EncoderKind.TWIN).any()),
        "above_chance": bool((similarity["p_permutations_holm"] <= ALPHA).any()),
        "pairs": environment["inference"].get("n_significant_pairs", 1) > 0,
    }


def _plotly() -> str:
    """The library that draws the interactive figures; the page embeds it, and loads nothing."""
    from plotly.offline import get_plotlyjs

    # In a string of the script, this would end the script element early.
    return str(get_plotlyjs()).replace("</script", "<\\/script")


def _by_method(similarity: pd.DataFrame, others: pd.DataFrame | None) -> list[tuple[str, list[dict[str, Any]]]]:
    """Rows of each comparison method, that of `similarity` first."""
    rows = similarity if others is None else pd.concat([similarity, others], ignore_index=True)
    return [(str(name), part.to_dict("records")) for name, part in rows.groupby("comparison", sort=False)]


def _records(table: pd.DataFrame | None) -> list[dict[Any, Any]]:
    """Rows of a table; none if the run does not have it."""
    return [] if table is None else table.to_dict("records")


def _knows(table: pd.DataFrame | None, column: str) -> bool:
    """Whether a table has any value in a column."""
    return table is not None and column in table and bool(table[column].notna().any())


def _tuning(run: Run) -> dict[str, Any] | None:
    """Rows of ``tuning.csv`` (none of an older version's), and what the figures of tuning show."""
    table, units = run.tuning, run.tuning_units
    if table is None:
        return None
    if units is None or "n_tested_tuned" not in table:
        return {"rows": []}
    return {
        "rows": table.to_dict("records"),
        "blanks": "n_responsive" in table,
        "kept_responsive": only_responsive(run.recording["steps"]),
        "directions": "n_tuned_direction" in table,
        "halves": bool(table["spectrum_cross_validated"].any()),
        "laws": bool(table["spectrum_exponent"].notna().any()),
        "with_controls": bool((table["kind"] == EncoderKind.CONTROL).any()),
        "untested": join_names(table.loc[table["n_tested_tuned_orientation"] == 0, "population"].astype(str).tolist()),
        "sampled": bool((table["n_units"] < table["n_all"]).any()),
        **_of_units(units),
    }


def _of_units(units: pd.DataFrame) -> dict[str, Any]:
    """Facts about single units for the captions: no preference, weak responses, widths at a bound."""
    none = units["preferred_orientation_deg"].isna()
    own = units[units["kind"] != EncoderKind.CONTROL]
    bounds = units[units["width_at_bound"].eq(True)] if "width_at_bound" in units else units[:0]
    tuned = bounds["tuned_orientation"].eq(True)
    return {
        "some_prefer_none": bool(none.any()),
        "some_rows_prefer_none": bool(none[own.index].any()),
        "some_unselective": bool(units["gosi"].isna().any()),
        "silent": _silent(own) if "response_range" in units else "",
        "at_bound": [(str(name), int(n)) for name, n in bounds[tuned].groupby("population", sort=False).size().items()],
    }


def _silent(units: pd.DataFrame) -> str:
    """Populations whose most selective units hardly respond, compared with the most responsive unit."""
    silent = []
    for population, rows in units.groupby("population", sort=False):
        tested = rows["tuned_orientation"].notna().any()
        best = rows[rows["tuned_orientation"].eq(True)] if tested else rows
        shown = best.sort_values("gosi", ascending=False, kind="stable").head(N_BEST)["response_range"]
        share = shown.max() / rows["response_range"].max()
        if share < SILENT:
            silent.append(f"{population} ({100 * share:.2g} %)")
    return join_names(silent)


def _predictivity_facts(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What the figure of predictivity shows, for its caption, and which fits failed."""
    from normenc.figures.predictivity import BOUNDS, known_measures

    known = known_measures(pd.DataFrame(rows))
    shown = known[0] if known else "r"
    return {
        "known": bool(known),
        "noise_corrected": shown in ("feve", "noise_corrected_r"),
        "notes": fit_notes(rows),
        "beyond": any(not BOUNDS[0] <= row[shown] <= BOUNDS[1] for row in rows if row[shown] == row[shown]),
        "failed": [row for row in rows if isinstance(row["notes"], str) and row["notes"].startswith(FAILED_FIT)],
    }


def _pictures_of_fits(rows: list[dict[Any, Any]]) -> dict[str, str]:
    """Names of the figures of networks fitted to the neurons, and the network of each."""
    names = [row["network"] for row in rows if row["kind"] == EncoderKind.FITTED]
    return {f"{what}_{own_stem(name)}": name for name in names for what in ("filters", "readouts")}


def _sections(value: Any) -> list[dict[str, Any]]:
    return value if isinstance(value, list) else [value]


def _described(section: dict[str, Any]) -> dict[str, Any]:
    """A section of the study with its title; ``rest`` is what has no column of its own."""
    apart = ("name", "label", "n_train", "n_test", "training")
    shown = {key: value for key, value in section.items() if key not in apart}
    if "n_hidden" in section:  # of a network; a task's are shown in columns
        shown |= section.get("training", {})
    rest = ", ".join(f"{key} {value}" for key, value in shown.items())
    title = section.get("label", section["name"])
    name = f"{section['name']}; " if title != section["name"] else ""
    return section | {"title": title, "rest": name + rest}


def _task(section: dict[str, Any], training: dict[str, Any], networks: list[dict[str, Any]]) -> dict[str, Any]:
    """A task with its training; ``trains`` is the training of each network, which may differ."""
    own = training | section.get("training", {})
    return _described(section) | {
        "training": own,
        "trains": [(network["title"], own | network.get("training", {})) for network in networks],
    }


def _scores(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Means over seeds, by task and architecture."""
    if table.empty:
        return []
    groups = table.groupby(["task", "network", "score"], sort=False)
    means = groups[["chance", "train", "held_out", "untrained_held_out"]].mean()
    return means.assign(n_seeds=groups.size()).reset_index().to_dict("records")


def _first_unit(training: pd.DataFrame) -> pd.DataFrame:
    first = training.iloc[0]
    return training[(training[["task", "network", "seed"]] == first[["task", "network", "seed"]]).all(axis=1)]


def _losses(training: pd.DataFrame) -> list[tuple[int, float]]:
    """Loss of the last batch at the first, the last and every fifth epoch between."""
    last = training.groupby("epoch")["loss"].last()
    return [(int(epoch), float(loss)) for epoch, loss in last.items() if _shown(int(str(epoch)), len(last))]


def _shown(epoch: int, n_epochs: int) -> bool:
    every = max(5, n_epochs // 10)
    return epoch in (1, n_epochs) or epoch % every == 0
