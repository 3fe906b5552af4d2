"""The pictures of a study."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc import encoding, figures, tuning
from normenc.encoders import EncoderKind
from normenc.stimulus_types import as_type
from normenc.stimulus_types.known import drawn_as
from normenc.study.describing import Description
from normenc.study.evaluation import Evaluation
from normenc.study.progress import Tell, each
from normenc.study.source_data import SOURCE_DATA, Picture, write_source_data
from normenc.texts import own_stem

__all__ = ["draw", "pictures", "similarities"]

N_EXAMPLES = (5, 6, 4)  # stimuli that are shown, the first number that divides them evenly; of few all
NEGATIVE = "shift"
N_MAPS = 8  # neurons whose readout is drawn


def draw(evaluation: Evaluation, folder: Path, tell: Tell) -> None:
    """Draw the pictures of `evaluation` as PNG and SVG in the new `folder`, beside the source data of all."""
    folder.mkdir()
    found = pictures(evaluation)
    write_source_data(found, folder / SOURCE_DATA)
    for name, picture in each(tell, "drawing", found.items()):
        figures.save(picture.draw(), folder, name)


def pictures(evaluation: Evaluation) -> dict[str, Picture]:
    """The pictures that are drawn of `evaluation`, by name."""
    found = {"example_stimuli": _examples(evaluation), **_geometry(evaluation), **_tuning(evaluation)}
    found |= {(picture := similarities(evaluation)).function: picture}
    if evaluation.predicted is not None:
        found["predictivity"] = Picture("predictivity", {"table": evaluation.predicted.table})
        found |= _fitted(evaluation, evaluation.predicted.fitted)
    if evaluation.over_training is not None:
        found["over_training"] = Picture(
            "over_training", {"table": evaluation.over_training, "similarity": evaluation.similarity}
        )
    return found


def similarities(evaluation: Evaluation) -> Picture:
    """The picture of the result: a leaderboard of several tasks or networks, else bars with their tests."""
    if evaluation.study.is_grid:
        return Picture("leaderboard", {"similarity": evaluation.similarity})
    return Picture("similarity_bars", {"similarity": evaluation.similarity, "pairs": evaluation.inference.pairs})


def _examples(evaluation: Evaluation) -> Picture:
    """Some of the recording's own stimuli, as networks were given them."""
    recording = evaluation.recording
    chosen = _spread(recording.n_stimuli)
    names = [recording.shown.title(stimulus) for stimulus in recording.stimulus[chosen].tolist()]
    return Picture("example_stimuli", {"images": evaluation.images[chosen].numpy(), "orientation": names})


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


def _geometry(evaluation: Evaluation) -> dict[str, Picture]:
    """RDMs, their rows and embeddings."""
    recording, metric = evaluation.recording, evaluation.study.rdm_metric
    own, points = evaluation.recording_label, evaluation.embeddings
    trained = [r for r in evaluation.shown if r.encoder.kind is EncoderKind.TRAINED]
    controls = [r for r in evaluation.shown if r.encoder.kind is not EncoderKind.TRAINED]
    matrices = {own: evaluation.recording_rdm} | {r.label: r.rdm for r in trained}
    shown = recording.shown
    shared: dict[str, Any] = {"orientation": shown.places(recording.stimulus), **drawn_as(shown)}
    others = {r.label: r.rdm for r in controls}
    found = {
        "rdms": Picture("rdms", {"populations": matrices, "controls": others, "metric": metric, **shared}),
        "embeddings": Picture(
            "embeddings", {"populations": _of(points, matrices), "controls": _of(points, others), **shared}
        ),
    }
    if not shown.is_named:
        # The untrained twins are left out of the lines, which they would crowd; the RDMs show them.
        plain = {r.label: r.rdm for r in controls if r.encoder.kind is EncoderKind.CONTROL}
        lines: dict[str, Any] = {"populations": matrices, "controls": plain, "metric": metric}
        found["rdm_rows"] = Picture("rdm_rows", lines | shared)
    return found


def _tuning(evaluation: Evaluation) -> dict[str, Picture]:
    """How neurons and units are tuned, side by side; of stimuli to which nothing is tuned, none."""
    recording, found, own = evaluation.described, evaluation.descriptions, evaluation.recording_label
    if not recording.shown.tunings:
        return {}
    described = [r for r in evaluation.shown if r.label in found]
    shown = [own, *(r.label for r in described if r.encoder.kind is EncoderKind.TRAINED)]
    plain = [r.label for r in described if r.encoder.kind is EncoderKind.CONTROL]
    selective = {label: one.summary.units["gosi"].to_numpy() for label, one in found.items()}
    laws = {label: one.exponent for label, one in found.items() if np.isfinite(one.exponent)}
    spectra = {label: one.spectrum for label, one in found.items()}
    pictures = {
        **_curves(evaluation, shown, selective),
        "preferences": _preferences(found, shown, plain, own, "orientation"),
        "selectivity": Picture(
            "selectivity_distributions",
            {
                "selectivity": _of(selective, shown),
                "controls": _of(selective, plain),
                "index": "gOSI (1 − circular variance)",
                "recording": own,
            },
        ),
        "eigenspectra": Picture(
            "eigenspectrum", {"spectra": _of(spectra, shown), "exponents": laws, "controls": _of(spectra, plain)}
        ),
    }
    if "direction" in recording.shown.tunings and own in found:
        pictures["preferred_directions"] = _preferences(found, [own], [], own, "direction")
    return pictures


def _preferences(
    found: Mapping[str, Description], shown: Sequence[str], plain: Sequence[str], own: str, kind: str
) -> Picture:
    """What units prefer: those that are tuned, or all of a population of which that cannot be tested."""
    known = [label for label in (*shown, *plain) if label in found]
    preferred = {label: found[label].summary.units[f"preferred_{kind}_deg"].to_numpy() for label in known}
    testable = [label for label in known if found[label].summary.units[f"tuned_{kind}"].notna().any()]
    return Picture(
        "preference_histogram",
        {
            "preferences": _of(preferred, shown),
            "tuned": {label: found[label].called(f"tuned_{kind}") for label in testable},
            "controls": _of(preferred, plain),
            "period": as_type(kind).period,
            "recording": own,
        },
    )


def _fitted(evaluation: Evaluation, fitted: Mapping[str, encoding.FittedNetwork]) -> dict[str, Picture]:
    """What networks that were fitted to the neurons learned, without the first fold."""
    if not fitted:
        return {}
    logs = {label: fit.log for label, fit in fitted.items()}
    chosen_by_loss = {label: fit.best_step for label, fit in fitted.items() if fit.held_out.size}
    pictures = {"fitting": Picture("loss_curves", {"logs": logs, "best": chosen_by_loss})}
    for label, fit in fitted.items():
        network: Any = fit.network
        untrained: Any = fit.untrained
        name = own_stem(label)
        filters = {"before": untrained.core.filters().numpy(), "after": network.core.filters().numpy()}
        pictures[f"filters_{name}"] = Picture("learned_filters", filters)
        pictures[f"readouts_{name}"] = _readouts(evaluation, fit)
    return pictures


def _readouts(evaluation: Evaluation, fit: encoding.FittedNetwork) -> Picture:
    network: Any = fit.network
    height, width = network.readout.in_shape[1:]
    if isinstance(network.readout, encoding.GaussianPoint):
        found = evaluation.descriptions.get(evaluation.recording_label)
        return Picture(
            "readout_positions",
            {
                "positions": network.readout.positions(),
                "image_size": (int(height), int(width)),
                "orientation": None if found is None else found.summary.units["preferred_orientation_deg"].to_numpy(),
            },
        )
    linear = network.core.nonlinearity == "none"
    maps = encoding.linear_filters(fit, (height, width)) if linear else network.readout.maps()
    some = np.unique(np.linspace(0, len(maps) - 1, N_MAPS).astype(int))
    assert evaluation.recording.responses is not None
    labels = [f"neuron {name}" for name in evaluation.recording.responses["neuron"].to_numpy()[some]]
    return Picture("readout_maps", {"maps": maps[some], "neurons": list(range(len(some))), "labels": labels})


def _curves(evaluation: Evaluation, shown: Sequence[str], selective: Mapping[str, Any]) -> dict[str, Picture]:
    """Responses of neurons and units to every stimulus: of a few as curves, of all as maps."""
    recording, found, own = evaluation.described, evaluation.descriptions, evaluation.recording_label
    shared: dict[str, Any] = {
        "orientation": next(iter(found.values())).stimulus,
        "period": recording.period,
        "recording": own,
    }
    errors = {label: _short(one.standard_error) for label, one in found.items() if label in shown}
    curves: dict[str, Any] = {
        "populations": _of({label: _short(one.average) for label, one in found.items()}, shown),
        "standard_errors": {label: error for label, error in errors.items() if np.isfinite(error).all()},
        "names": {label: one.neurons for label, one in found.items() if label in shown and one.neurons is not None},
        "units": recording.units,
        **shared,
    }
    # Sorted by one half of the trials and drawn of the other, where there are two: else noise makes a diagonal too.
    halves = {
        label: tuning.preferred(one.first, one.stimulus, negative=NEGATIVE)
        for label, one in found.items()
        if label in shown
    }
    best = {label: _of_tuned(found[label], selective[label]) for label in shown if label in selective}
    return {
        "tuning_curves": Picture("tuning_curves", curves),
        "tuning_best": Picture("tuning_curves", curves | {"scores": best, "score": "gOSI"}),
        "response_maps": Picture(
            "response_map",
            {
                "populations": _of({label: _short(one.second) for label, one in found.items()}, shown),
                "preferences": halves,
                "sorted_by": "preferred orientation",
                **shared,
            },
        ),
    }


def _of_tuned(description: Description, scores: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Scores of the units that are tuned to orientation, or of all where that cannot be tested; NaN else."""
    tested = description.summary.orientation.n_tested > 0
    return np.where(description.called("tuned_orientation"), scores, np.nan) if tested else scores


def _short(responses: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Seven digits of every response are more than a picture shows, and half as much to keep."""
    return responses.astype(np.float32)


def _of(values: Mapping[str, Any], labels: Iterable[str]) -> dict[str, Any]:
    """Those of `labels`, None for a recording known only by its RDM."""
    return {label: values.get(label) for label in labels}
