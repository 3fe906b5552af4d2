"""What a layer predicts of neurons beyond all controls together; the controls are fitted once for all layers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.encoding.axes import Features
from normenc.encoding.banded import BandedPrediction, as_bands, banded_predictions
from normenc.encoding.explained import ALL, ExplainedVariance, averaged, explained, in_folds, regressed
from normenc.encoding.measures import Recorded, Terms
from normenc.encoding.scoring import THRESHOLD
from normenc.errors import InputError

__all__ = ["FittedControls", "fit_controls", "unique_variance"]

Floats = npt.NDArray[np.float64]
CONTROLS, UNIQUE = "controls", "unique"


@dataclass(frozen=True)
class FittedControls:
    """Results of :func:`fit_controls`, for :func:`unique_variance`.

    Attributes
    ----------
    prediction : BandedPrediction
        By all controls together.
    bands : dict of str to Features
        The controls.
    recorded : Recorded
        The responses, with the folds of the prediction.
    averages : ndarray, shape (n_stimuli, n_neurons)
        Over trials, as they were fitted.
    options : dict
        Of :func:`normenc.encoding.banded_predictions`.
    """

    prediction: BandedPrediction
    bands: dict[str, Features] = field(repr=False)
    recorded: Recorded = field(repr=False)
    averages: npt.NDArray[Any] = field(repr=False)
    options: dict[str, Any]


def fit_controls(
    controls: Mapping[str, Any] | Any, responses: Any, stimulus: Any = None, *, seed: int = 0, **options: Any
) -> FittedControls:
    """Fit all controls together, once for the layers of :func:`unique_variance`.

    Parameters
    ----------
    controls, responses, stimulus, **options
        See :func:`unique_variance`.
    seed : int
        Of the folds.

    Returns
    -------
    FittedControls

    Raises
    ------
    InputError
        If there are no controls, shapes disagree, values are not finite, or an option is impossible.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> one, two, control = rng.normal(size=(3, 120, 6))
    >>> neurons = (one + control) @ rng.normal(size=(6, 40)) + 0.1 * rng.normal(size=(120, 40))
    >>> fitted = fit_controls(control, neurons)
    >>> found = [unique_variance(layer, fitted, n_samples=50).row("unique") for layer in (one, two)]
    >>> [round(own["median"] + 0.01, 1) for own in found]
    [0.5, 0.0]
    """
    named = dict(controls) if isinstance(controls, Mapping) else {CONTROLS: controls}
    if not named:
        raise InputError("there are no controls; give at least one")
    recorded = averaged(responses, stimulus, named)
    averages = regressed(recorded)
    bands = as_bands(named, **{key: options[key] for key in ("memory_gib", "scale") if key in options})
    known = options | {"seed": seed}
    prediction = banded_predictions(bands, averages, **known)
    return FittedControls(prediction, bands, in_folds(recorded, prediction), averages, known)


def unique_variance(
    layer: Any,
    controls: FittedControls | Mapping[str, Any] | Any,
    responses: Any = None,
    stimulus: Any = None,
    *,
    threshold: float = THRESHOLD,
    n_samples: int = 1000,
    block_length: int | None = None,
    seed: int = 0,
    **options: Any,
) -> ExplainedVariance:
    r"""What a layer predicts of neurons beyond all controls together: predictivity of both minus that of the controls.

    Both regressions are banded, cross-validated over the same folds, and scored on the same stimuli. The difference
    is per neuron :math:`(\sum e_{controls}^2 - \sum e_{both}^2) / (\sum d^2 - \sum v)`, with the errors e, deviations d
    and noise v of :func:`normenc.encoding.predictivity`; the noise in the numerator cancels. It is negative where the
    layer only adds overfitting.

    Parameters
    ----------
    layer : array_like, shape (n_stimuli, n_units), or list of such
        Several are the layer in networks trained from different seeds: each neuron's values are means over them.
    controls : array_like, shape (n_stimuli, n_units), mapping of str to such, or FittedControls
        Each control of a mapping is a band of its own. Controls that several layers are compared with need to be fitted
        only once, by :func:`fit_controls`, and are then given without responses and options.
    responses, stimulus, threshold, n_samples, block_length, seed, **options
        See :func:`banded_ridge`. With fitted controls, `seed` only draws the samples of the intervals.

    Returns
    -------
    ExplainedVariance
        With the parts ``controls``, ``all`` (controls and layer) and ``unique``, their difference. Of several seeds,
        ``predictions["all"]`` is that of the first. Intervals are over stimuli and neurons, for these seeds.

    Raises
    ------
    InputError
        As :func:`banded_ridge`, or if fitted controls are given with responses or options.

    References
    ----------
    de Heer, Huth, Griffiths, Gallant & Theunissen, J. Neurosci. 2017 (variance partitioning of encoding models).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> layer, control = rng.normal(size=(2, 120, 6))
    >>> weights = rng.normal(size=(6, 40))
    >>> neurons = (layer + control) @ weights + 0.1 * rng.normal(size=(120, 40))
    >>> found = unique_variance(layer, control, neurons, n_samples=50)
    >>> found.parts.set_index("part")["r2"].round(1).tolist()
    [0.5, 1.0, 0.5]
    """
    if not isinstance(controls, FittedControls):
        if responses is None:
            raise InputError("there are no responses; give them, or controls that fit_controls has fitted to some")
        controls = fit_controls(controls, responses, stimulus, seed=seed, **options)
    elif responses is not None or stimulus is not None or options:
        raise InputError(
            "the controls were fitted to responses, with options of their own; leave out responses, stimulus and "
            f"options{''.join(f', {name}' for name in options)}"
        )
    fitted = controls
    first, squared = _with_layer(_seeds(layer), fitted)

    def parts(neurons: slice, terms: Terms) -> dict[str, Floats]:
        errors, whole = np.square(terms.error), np.square(terms.deviation)
        with_layer = squared[:, neurons].astype(np.float64, copy=False)
        return {CONTROLS: whole - errors, ALL: whole - with_layer, UNIQUE: errors - with_layer}

    predictions = {CONTROLS: fitted.prediction, ALL: first}
    sampling = (n_samples, block_length, seed)
    names = [CONTROLS, ALL, UNIQUE]
    return explained(names, parts, fitted.prediction, fitted.recorded, predictions, threshold, sampling)


def _seeds(layer: Any) -> Sequence[Any]:
    """The layer in each network: a list of matrices, or the only one."""
    several = isinstance(layer, list | tuple) and len(layer) > 0 and all(np.ndim(own) == 2 for own in layer)
    return layer if several else [layer]


def _with_layer(layers: Sequence[Any], fitted: FittedControls) -> tuple[BandedPrediction, npt.NDArray[Any]]:
    """The first seed's regression from layer and controls, and squared errors of all of them: means over seeds."""
    bands, recorded = fitted.bands, fitted.recorded
    own = next(name for name in ("layer", *map("layer {}".format, range(2, len(bands) + 3))) if name not in bands)
    squared = np.zeros_like(fitted.averages)
    first = None
    for layer in layers:
        both = banded_predictions(bands | {own: layer}, fitted.averages, **fitted.options)
        for neurons in recorded.blocks:
            squared[:, neurons] += np.square(recorded.averages(neurons) - both.predicted[:, neurons]) / len(layers)
        first = both if first is None else first
        del both
    assert first is not None
    return first, squared
