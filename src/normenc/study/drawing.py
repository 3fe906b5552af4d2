"""The pictures of a study."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc import encoding, figures, stimuli, tuning
from normenc.study.describing import Description
from normenc.study.evaluation import Evaluation

__all__ = ["draw"]

EXAMPLES = (-90, -45, 0, 45, 90)  # degrees, of the example gratings
N_EXAMPLES = 5  # images, where stimuli are images
NEGATIVE = "shift"
N_MAPS = 8  # neurons whose readout is drawn


def draw(evaluation: Evaluation, folder: Path) -> None:
    """Draw the pictures of `evaluation` as PNG and SVG in the new `folder`."""
    folder.mkdir()
    pictures = {"example_stimuli": _examples(evaluation), **_geometry(evaluation), **_tuning(evaluation)}
    study = evaluation.study
    if study.is_grid:
        pictures["leaderboard"] = figures.leaderboard(evaluation.similarity)
    else:
        pictures["similarity_bars"] = figures.similarity_bars(evaluation.similarity, evaluation.inference.pairs)
    if evaluation.predicted is not None:
        pictures["predictivity"] = figures.predictivity(evaluation.predicted.table)
        pictures |= _fitted(evaluation, evaluation.predicted.fitted)
    if evaluation.over_training is not None:
        pictures["over_training"] = figures.over_training(evaluation.over_training, evaluation.similarity)
    for name, axes in pictures.items():
        figures.save(axes, folder, name)


def _examples(evaluation: Evaluation) -> Any:
    recording = evaluation.recording
    if recording.period is None:
        return figures.example_stimuli(evaluation.images[:N_EXAMPLES].numpy(), recording.stimulus[:N_EXAMPLES].tolist())
    examples = stimuli.gratings(EXAMPLES, **evaluation.study.stimuli.model_dump()).numpy()
    return figures.example_stimuli(examples, EXAMPLES)


def _geometry(evaluation: Evaluation) -> dict[str, Any]:
    """RDMs, their rows and embeddings."""
    recording, metric = evaluation.recording, evaluation.study.comparison.rdm_metric
    own, points = evaluation.recording_label, evaluation.embeddings
    trained = [r for r in evaluation.shown if r.trained]
    controls = [r for r in evaluation.shown if not r.trained]
    matrices = {own: evaluation.recording_rdm} | {r.label: r.rdm for r in trained}
    period = recording.period
    stimulus = np.arange(recording.n_stimuli) if period is None else recording.stimulus
    pictures = {
        "rdms": figures.rdms(
            matrices, stimulus, controls={r.label: r.rdm for r in controls}, metric=metric, period=period
        ),
        "embeddings": figures.embeddings(
            {label: points[label] for label in matrices},
            stimulus,
            controls={r.label: points[r.label] for r in controls},
            period=period,
        ),
    }
    if period is not None:
        # The untrained twins are left out of the lines, which they would crowd; the RDMs show them.
        pictures["rdm_rows"] = figures.rdm_rows(
            matrices,
            stimulus,
            controls={r.label: r.rdm for r in controls if r.seed is None},
            metric=metric,
            period=period,
        )
    return pictures


def _tuning(evaluation: Evaluation) -> dict[str, Any]:
    """How neurons and units are tuned, side by side; of images nothing is known."""
    recording, found, own = evaluation.recording, evaluation.descriptions, evaluation.recording_label
    if recording.period is None:
        return {}
    shown = [own, *(r.label for r in evaluation.shown if r.trained and r.label in found)]
    plain = [r.label for r in evaluation.shown if r.seed is None and r.label in found]
    stimulus = next(iter(found.values())).stimulus
    period = recording.period
    preferred = {label: _preferred(one, one.average) for label, one in found.items()}
    selective = {label: one.summary.units["gosi"].to_numpy() for label, one in found.items()}
    laws = {label: one.exponent for label, one in found.items() if np.isfinite(one.exponent)}
    spectra = {label: one.spectrum for label, one in found.items()}
    averages = _of({label: one.average for label, one in found.items()}, shown)
    curves: dict[str, Any] = {"recording": own, "units": recording.units, "period": period}
    errors = {label: one.standard_error for label, one in found.items() if np.isfinite(one.standard_error).all()}
    # Sorted by one half of the trials and drawn of the other, where there are two: else noise makes a diagonal too.
    halves = {label: _preferred(one, one.first) for label, one in found.items()}
    return {
        "tuning_curves": figures.tuning_curves(averages, stimulus, standard_errors=errors, **curves),
        "tuning_best": figures.tuning_curves(
            averages,
            stimulus,
            scores={label: selective[label] for label in shown if label in selective},
            score="gOSI",
            standard_errors=errors,
            **curves,
        ),
        "preferences": figures.preference_histogram(
            _of(preferred, shown),
            tuned={label: one.summary.units["selective"].to_numpy() for label, one in found.items()},
            controls=_of(preferred, plain),
            period=period,
            recording=own,
        ),
        "selectivity": figures.selectivity_distributions(
            _of(selective, shown), controls=_of(selective, plain), index="gOSI (1 − circular variance)", recording=own
        ),
        "response_maps": figures.response_map(
            _of({label: one.second for label, one in found.items()}, shown),
            stimulus,
            halves,
            period=period,
            recording=own,
        ),
        "eigenspectra": figures.eigenspectrum(_of(spectra, shown), laws, controls=_of(spectra, plain)),
    }


def _fitted(evaluation: Evaluation, fitted: Mapping[str, encoding.FittedNetwork]) -> dict[str, Any]:
    """What networks that were fitted to the neurons learned, without the first fold."""
    if not fitted:
        return {}
    chosen_by_loss = {label: fit.best_step for label, fit in fitted.items() if fit.held_out.size}
    pictures: dict[str, Any] = {
        "fitting": figures.loss_curves({label: fit.log for label, fit in fitted.items()}, best=chosen_by_loss)
    }
    found = evaluation.descriptions.get(evaluation.recording_label)
    preferred = None if found is None else _preferred(found, found.average)
    for label, fit in fitted.items():
        network: Any = fit.network
        untrained: Any = fit.untrained
        name = label.replace(" ", "_")
        pictures[f"filters_{name}"] = figures.learned_filters(untrained.core.filters(), network.core.filters())
        size = network.readout.in_shape[1:]
        if isinstance(network.readout, encoding.GaussianPoint):
            pictures[f"readouts_{name}"] = figures.readout_positions(
                network.readout.positions(), size, orientation=preferred if evaluation.recording.period else None
            )
            continue
        linear = network.core.nonlinearity == "none"
        maps = encoding.linear_filters(fit, size) if linear else network.readout.maps()
        some = np.unique(np.linspace(0, len(maps) - 1, N_MAPS).astype(int))
        labels = [f"neuron {neuron + 1:,}" for neuron in some]
        pictures[f"readouts_{name}"] = figures.readout_maps(maps[some], neurons=range(len(some)), labels=labels)
    return pictures


def _preferred(description: Description, responses: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    period = description.summary.period
    return tuning.preferred(responses, description.stimulus, period=period, negative=NEGATIVE)


def _of(values: Mapping[str, Any], labels: Sequence[str]) -> dict[str, Any]:
    """Those of `labels`, None for a recording known only by its RDM."""
    return {label: values.get(label) for label in labels}
