"""The page of a run, ``report.html``, made from the run's folder."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from normenc.csv_tables import did_not_learn
from normenc.encoders import EncoderKind
from normenc.errors import InputError, NormencWarning
from normenc.report.animal_sentences import animal_sentences, in_both_directions
from normenc.report.answering import answer_of
from normenc.report.circular_sentences import on_the_circle
from normenc.report.embedded import picture_uri
from normenc.report.explorer import explorer
from normenc.report.fit_notes import fit_notes
from normenc.report.identified import identification_facts
from normenc.report.methods import methods
from normenc.report.pages import template
from normenc.report.partition_sentences import beyond_controls
from normenc.report.rank_sentences import rank_sentences
from normenc.report.reference_sentences import ALPHA
from normenc.report.reproducing import needed_code, used_settings
from normenc.report.scope_words import other_scope_sentence, scope_phrase, why_not_tiled
from normenc.report.sentences import findings, limits
from normenc.report.stages import left_out, stages_of
from normenc.report.trained_facts import described, described_task, first_unit, losses, mean_scores, sections
from normenc.report.tuning_facts import tuning_facts
from normenc.report.wording import FACTORS, counted, join_names, the_recording
from normenc.rsa.representation_measures import symbol_of
from normenc.runs import Run
from normenc.runs.agreement import agreeing, check_type
from normenc.runs.pictures import captions, unplaced
from normenc.runs.populations import shown_order
from normenc.runs.publishing import add
from normenc.runs.schema import FAILED_FIT, REPORT, SETTINGS
from normenc.runs.taking import ELSEWHERE, FolderTakenError, UnwritableError
from normenc.stimulus_types import as_type
from normenc.texts import own_stem

__all__ = ["render", "write"]


def write(folder: str | Path, *, design: str | Path | None = None) -> Path:
    """Write ``report.html`` into a run's folder, from the files there.

    The page then belongs to the run. A page that was edited after the run wrote it is moved to ``kept``, and a
    :class:`~normenc.errors.NormencWarning` says so.

    Parameters
    ----------
    folder : str or Path
        As written by :func:`normenc.study.run`.
    design : str or Path, optional
        A folder as written by :func:`normenc.study.design`, of the same recording, candidates and measure: the answer
        then says how often its stimuli would tell. By default the one that lies beside the run under its usual name,
        if there is one.

    Returns
    -------
    Path
        Path of the page.

    Raises
    ------
    InputError
        When the folder is not a complete run, another run is being written there, or the design is of another one.
    OSError
        When the page cannot be written.
    """
    page = render(folder, design=design).encode("utf-8")
    try:
        kept = add(Path(folder), {REPORT: page})
    except (FolderTakenError, UnwritableError) as error:  # a report has no other folder
        raise type(error)(str(error).replace(ELSEWHERE, "write the report of a copy of the run")) from None
    for path in kept:
        warnings.warn(f"{Path(folder) / REPORT}: this page was edited, and is now {path}", NormencWarning, stacklevel=2)
    return Path(folder) / REPORT


def render(folder: str | Path, *, design: str | Path | None = None) -> str:
    """The page of a run's folder as HTML; texts are escaped, and figures, data and scripts embedded.

    Raises
    ------
    InputError
        When the folder is not a complete run, or the design is of another one; see :func:`write`.
    """
    run = Run.open(folder)
    check_type(run)
    with agreeing(run):
        return _rendered(run, design)


def _rendered(run: Run, design: str | Path | None) -> str:
    study, environment = run.settings, run.environment
    similarity, differences, training = run.similarity, run.differences, run.training
    kind = as_type(environment["recording"]["stimuli"])
    pictures = {name: picture_uri(content) for name, content in run.drawn().items()}
    networks = [described(section) for section in sections(study.get("network", []))]
    tasks = [described_task(section, study["training"], networks) for section in sections(study.get("task", []))]
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
        tables=[
            *(name for name in ("between_animals", "circular_parts") if getattr(run, name) is not None),
            *["both_directions"] * bool(directed := in_both_directions(run.animals)),
        ],
    )
    by_method = _by_method(similarity, run.similarity_by_method)
    data = explorer(run, by_method)
    predictivity = _records(run.predictivity)
    return template("page").render(
        study=study,
        tasks=tasks,
        networks=networks,
        encoders=environment.get("encoders", []),
        is_grid=run.is_grid,
        scores=mean_scores(run.scores),
        failures=_records(run.failures),
        study_toml=used_settings(run.text(SETTINGS), study, gratings=kind.period is not None),
        needed_code=needed_code(study),
        environment=environment,
        recording=environment["recording"],
        quality=run.quality,
        answer=answer_of(run, design),
        findings=[
            *findings(similarity, differences, stimulus_type=environment["recording"]["stimuli"]),
            *beyond_controls(run.partitioning, similarity),
        ],
        limits=limits(environment["recording"], environment["inference"].get("n_different_images")),
        scope=scope_phrase(environment),
        why_not_tiled=why_not_tiled(environment),
        other_scope=_other_scope(run),
        the_recording=the_recording(environment["recording"]["name"]),
        resampled=_sized(environment["inference"]["resampled"]),
        n_models=counted(int(similarity["p_permutations_holm"].notna().sum()), "model"),
        n_tests=counted(n_tests, "difference") if (n_tests := int(differences["p_holm"].notna().sum())) else "",
        drawn=_drawn(similarity, environment),
        stages=stages_of(study),
        left_out=left_out(study),
        rows=similarity.assign(failed=did_not_learn(similarity)).to_dict("records"),
        kinds=similarity["kind"].unique().tolist(),
        ceiling=similarity.iloc[0].to_dict(),
        by_method=by_method,
        compared_by=symbol_of(study["comparison"]["method"]),
        identification=identification_facts(run),
        ranks=rank_sentences(similarity, run.similarity_by_method),
        animals=animal_sentences(run.animals),
        in_both_directions=directed,
        differences=differences.to_dict("records"),
        circular=_on_circle(run),
        partitioning=_records(run.partitioning),
        with_twins=_knows(run.partitioning, "beyond_twin"),
        between_animals=_records(run.between_animals),
        losses=[] if training is None else losses(first_unit(training)),
        has_responses=environment["recording"]["n_neurons"] is not None,
        stimulus_type=kind,
        coloured_by=_coloured_by(run) if "embeddings" in pictures else "",
        described_type=as_type(environment["recording"].get("described", environment["recording"]["stimuli"])),
        turned=_turned(run),
        tuning=tuning_facts(run),
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


def _other_scope(run: Run) -> dict[str, Any] | None:
    """The results in the other scope, and what it asks; None for runs that do not have it."""
    similarity, differences = run.similarity_by_scope, run.differences_by_scope
    if similarity is None or differences is None:
        return None
    factors = str(similarity["generalises_to"].iloc[0]).split()
    return {
        "phrase": scope_phrase(run.environment, factors),
        "sentence": other_scope_sentence(run.environment, factors),
        "similarity": similarity.to_dict("records"),
        "differences": differences.to_dict("records"),
    }


def _coloured_by(run: Run) -> str:
    """What the colours of the embeddings' points say; empty where all have one colour, as in older runs of images."""
    kind = as_type(run.environment["recording"]["stimuli"])
    if not kind.is_named:
        return f"{kind.noun}{' (both ends of the circle share a colour)' if kind.period is not None else ''}"
    try:
        return str(run.source_data.get("image_colours", {}).get("label", ""))
    except InputError:
        return ""


def _on_circle(run: Run) -> dict[str, Any]:
    """The parts of RDMs on a circle: a sentence, the three rows of each encoder, and notes; nothing without them."""
    table = run.circular_parts
    if table is None:
        return {}
    encoders = [group.set_index("part").to_dict("index") for _, group in table.groupby("encoder", sort=False)]
    notes = table["notes"].dropna().unique().tolist()
    said = on_the_circle(table, run.recording["stimuli"], run.environment["inference"].get("n_shifts") or 0)
    turned = bool(table["aligned"].notna().any())
    return {"said": said, "encoders": encoders, "notes": notes, "turned": turned}


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
        "not_learned": bool(did_not_learn(similarity).any()),
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
