"""The pictures of a study: data that only they need are stored, and they are drawn from the run's folder."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from normenc import encoding, figures, stimuli, tuning
from normenc.progress import ProgressCallback, each, reporting
from normenc.runs.reading import Run
from normenc.runs.source_data import SOURCE_DATA, write_source_data
from normenc.stimuli.fitting import fitted, luminance
from normenc.study.circling import drawn_parts
from normenc.study.describing import NEGATIVE, Description
from normenc.study.evaluation import Evaluation
from normenc.study.exploring import MOST_UNITS
from normenc.study.quick import QUICK_PICTURES
from normenc.study.store import write_evaluation
from normenc.study.tables import fitting_table
from normenc.texts import visible

__all__ = ["draw", "draw_run", "source_data", "write_run"]

N_EXAMPLES = (5, 6, 4)  # stimuli that are shown, the first number that divides them evenly; of few all
DRAWN_SIDE = 128  # pixels of an image in a picture, at most
N_SHOWN = 4  # stimuli in the picture of what encoders are shown
AS_SEEN = "stimulus"
MOST_SETS = 7  # whose colours can be told apart
BATCH = 64  # images at a time
N_MAPS = 8  # neurons whose readout is drawn
OF_UNITS = ("gosi", "preferred_orientation_deg", "preferred_direction_deg")  # columns that are drawn


def draw(evaluation: Evaluation, folder: str | Path, *, progress: bool | ProgressCallback = True) -> tuple[Path, ...]:
    """Draw the pictures of an evaluation as PNG and SVG.

    Parameters
    ----------
    evaluation : Evaluation
        With the stage compare; pictures of tuning and embeddings take the stage describe as well.
    folder : str or Path
        Created if it does not exist.
    progress : bool or callable
        See :func:`normenc.study.run`.

    Returns
    -------
    tuple of Path
        The pictures.

    Raises
    ------
    InputError
        When the evaluation is without the stage compare.
    """
    with reporting(progress) as progress, tempfile.TemporaryDirectory(prefix="normenc-") as place:
        write_run(evaluation, Path(place), device="cpu")  # pictures are drawn from a run's files
        return draw_run(Path(place), Path(folder), progress)


def write_run(evaluation: Evaluation, folder: Path, *, device: str) -> None:
    """Write the results, and the data that only the pictures show, to the new `folder`."""
    write_evaluation(evaluation, folder, device=device)
    (folder / "figures").mkdir()
    write_source_data(source_data(evaluation), folder / "figures" / SOURCE_DATA)


def draw_run(run: Path, folder: Path, progress: ProgressCallback) -> tuple[Path, ...]:
    """Draw the pictures of the run in a folder into another one."""
    folder.mkdir(parents=True, exist_ok=True)
    opened = Run.open(run)
    pictures = opened.figures
    names = [name for name in pictures if name in QUICK_PICTURES or not opened.settings.get("quick")]
    drawn: list[Path] = []
    for name in each(progress, "drawing", names):
        drawn += figures.save(pictures[name].draw(), folder, name)
    return tuple(drawn)


def source_data(evaluation: Evaluation) -> dict[str, Any]:
    """Data that the pictures of `evaluation` show and no other file of its run contains."""
    data = {"digits": _digits(evaluation), "example_stimuli": _examples(evaluation)}
    if not evaluation.prepared.shown.is_drawn or evaluation.prepared.encoders:
        data["as_shown"] = _as_shown(evaluation)
    if evaluation.populations is None:
        data["shown"] = _shown(evaluation)
    else:
        data["embeddings"] = {visible(label): points for label, points in evaluation.embeddings.items()}
        if evaluation.recording.shown.is_named:
            data["image_colours"] = _image_colours(evaluation)
    if evaluation.circular_parts is not None:
        data["circular_parts"] = drawn_parts(evaluation.represented, evaluation.similarity)
    if not evaluation.study.is_grid:
        data["pairs"] = evaluation.inference.pairs
    descriptions = _descriptions(evaluation)
    if descriptions:
        shown = [evaluation.recording_label, *(r.label for r in evaluation.shown if _is_learned(r))]
        data["tuning"] = {visible(label): _tuning(one, drawn=label in shown) for label, one in descriptions.items()}
    if evaluation.predicted is not None and evaluation.predicted.fitted:
        data["fitted"] = {label: _fitted(evaluation, fit) for label, fit in evaluation.predicted.fitted.items()}
    return data


def _image_colours(evaluation: Evaluation) -> dict[str, Any]:
    """By what images are coloured where no angle tells them apart: their sets, or how bright they are."""
    sets = [name.partition("/")[0] for name in evaluation.recording.stimulus.astype(str) if "/" in name]
    if len(sets) == evaluation.recording.n_stimuli and 1 < len(set(sets)) <= MOST_SETS:
        return {"label": "image set", "values": [visible(name) for name in sets]}
    images = evaluation.prepared.shown.seen
    starts = range(0, len(images), BATCH)
    values = [luminance(images[start : start + BATCH]).mean(dim=(1, 2)).numpy() for start in starts]
    return {"label": "mean luminance (0 black, 1 white)", "values": np.concatenate(values)}


def _descriptions(evaluation: Evaluation) -> dict[str, Description]:
    """Tuning by label, of none where it was not asked for."""
    return {} if evaluation.populations is None else evaluation.descriptions


def _shown(evaluation: Evaluation) -> dict[str, list[str]]:
    """Which populations the pictures show; populations.nc says it where it is written."""
    shown = evaluation.shown
    own = evaluation.recording_label
    return {
        "population": [own, *(r.label for r in shown)],
        "key": [own, *(r.key for r in shown)],
        "kind": ["recording", *(r.encoder.kind.value for r in shown)],
    }


def _is_learned(representation: Any) -> bool:
    return bool(representation.encoder.kind.is_learned)


def _digits(evaluation: Evaluation) -> dict[str, Any]:
    """Numbers in tables that are drawn, with all their digits, of which CSVs have nine."""
    predicted = evaluation.predicted
    units = [one.summary.units for one in _descriptions(evaluation).values()]
    tables = {
        "similarity": evaluation.similarity,
        "over_training": evaluation.over_training,
        "circular_parts": evaluation.circular_parts,
        "tuning_units": pd.concat(units).reindex(columns=list(OF_UNITS)) if units else None,
        "predictivity": None if predicted is None else predicted.table,
        "fitting": fitting_table(predicted.fitted) if predicted and predicted.fitted else None,
    }
    numbers = {name: table.select_dtypes("float64") for name, table in tables.items() if table is not None}
    return {name: {"columns": list(own), "values": own.to_numpy()} for name, own in numbers.items()}


def _examples(evaluation: Evaluation) -> dict[str, Any]:
    """Some of the recording's own stimuli, as the animal saw them; gratings as networks of the study did."""
    recording, shown = evaluation.recording, evaluation.prepared.shown
    stimulus, order = recording.shown.in_order(recording.stimulus)
    chosen = _spread(recording.n_stimuli)
    names = [recording.shown.title(own) for own in stimulus[chosen].tolist()]
    seen = evaluation.images[order[chosen]] if shown.is_drawn else shown.seen.at_most(DRAWN_SIDE)[order[chosen]]
    return {"images": _colours_last(seen), "orientation": names}


def _as_shown(evaluation: Evaluation) -> dict[str, Any]:
    """A few stimuli as recorded, as networks of the study saw them, and as each encoder does, before scaling."""
    recording, shown, prepared = evaluation.recording, evaluation.prepared.shown, evaluation.prepared
    stimulus, order = recording.shown.in_order(recording.stimulus)
    few = _spread(recording.n_stimuli)[:N_SHOWN]
    places = order[few]
    rows = {} if shown.is_drawn else {AS_SEEN: shown.seen.at_most(DRAWN_SIDE)[places]}
    if prepared.units:
        rows["networks of this study"] = evaluation.images[places]
    for unit in prepared.encoders:
        plain = replace(unit.preprocessing, mean=(0.0,), std=(1.0,))
        rows[unit.title] = _few_channels(plain(shown.to_encoder(plain.size)[places]))
    resolutions = {} if evaluation.predicted is None or shown.is_drawn else evaluation.study.encoding.resolutions
    for resolution in dict.fromkeys(resolutions.values()):
        names = ", ".join(name for name, own in resolutions.items() if own == resolution)
        rows[names] = stimuli.fit_images(_colours_last(shown.seen[places]), resolution)
    return {
        "images": {visible(label): _colours_last(images) for label, images in rows.items()},
        "names": [recording.shown.title(own) for own in stimulus[few].tolist()],
    }


def _few_channels(images: torch.Tensor) -> torch.Tensor:
    """Images as they can be drawn, at most as large as others: in colour, or the first of channels that are equal."""
    channels = images if images.shape[1] == 3 and not (images == images[:, :1]).all() else images[:, 0]
    step = max(1, -(-max(channels.shape[-2:]) // DRAWN_SIDE))
    return fitted(channels, (channels.shape[-2] // step, channels.shape[-1] // step), "stretch")


def _colours_last(images: torch.Tensor) -> npt.NDArray[np.float32]:
    values = images.clamp(0, 1).numpy() if images.ndim == 4 else images.numpy()
    return np.ascontiguousarray(np.moveaxis(values, 1, -1)) if images.ndim == 4 else values


def _spread(n: int) -> list[int]:
    """Places of some of `n` stimuli, as evenly as may be, with or without the last one."""
    if n <= max(N_EXAMPLES):
        return list(range(n))
    for some in N_EXAMPLES:
        if n % some == 0:
            return list(range(0, n, n // some))
    for some in N_EXAMPLES:
        if (n - 1) % (some - 1) == 0:
            return list(range(0, n, (n - 1) // (some - 1)))
    return [place * n // N_EXAMPLES[0] for place in range(N_EXAMPLES[0])]


def _tuning(one: Description, *, drawn: bool) -> dict[str, Any]:
    """The spectrum of a population and, where its responses are drawn, those that populations.nc does not hold."""
    tuning_data: dict[str, Any] = {"spectrum": one.spectrum, "exponent": one.exponent}
    if not drawn:
        return tuning_data
    tuning_data |= {"whole": one.average.shape[1] <= MOST_UNITS}
    tuning_data["preferred"] = tuning.preferred(one.first, one.stimulus, negative=NEGATIVE)
    if not tuning_data["whole"]:
        tuning_data["average"] = _short(one.average)
        tuning_data |= {"standard_error": _short(one.standard_error)} if np.isfinite(one.standard_error).all() else {}
    if one.halved:
        tuning_data["second"] = _short(one.second)
    return tuning_data


def _fitted(evaluation: Evaluation, fit: encoding.FittedNetwork) -> dict[str, Any]:
    """What a network that was fitted to the neurons learned, without the first fold."""
    network: Any = fit.network
    untrained: Any = fit.untrained
    filters = {"before": untrained.core.filters().numpy(), "after": network.core.filters().numpy()}
    return {"filters": filters, "readouts": _readouts(evaluation, fit), "chosen_by_loss": bool(fit.held_out.size)}


def _readouts(evaluation: Evaluation, fit: encoding.FittedNetwork) -> dict[str, Any]:
    network: Any = fit.network
    height, width = network.readout.in_shape[1:]
    if isinstance(network.readout, encoding.GaussianPoint):
        return {"positions": network.readout.positions(), "image_size": (int(height), int(width))}
    linear = network.core.nonlinearity == "none"
    maps = encoding.linear_filters(fit, (height, width)) if linear else network.readout.maps()
    some = np.unique(np.linspace(0, len(maps) - 1, N_MAPS).astype(int))
    assert evaluation.recording.responses is not None
    return {
        "maps": maps[some],
        "labels": [f"neuron {name}" for name in evaluation.recording.responses["neuron"].to_numpy()[some]],
    }


def _short(responses: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Seven digits of every response are more than a picture shows, and take half the space."""
    return responses.astype(np.float32)
