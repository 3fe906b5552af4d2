"""Recordings and RDMs as rsatoolbox objects."""

import importlib
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.recordings.conversion.xarrays import facts_of
from normenc.recordings.labels import NEURON_LABELS, TRIAL_LABELS
from normenc.recordings.recording import Recording

__all__ = ["checked_rdms", "rdms_to_rsatoolbox", "to_rsatoolbox"]


def to_rsatoolbox(recording: Recording) -> Any:
    """A recording as a ``rsatoolbox.data.Dataset``: one observation per trial if known, otherwise per stimulus.

    Returns
    -------
    rsatoolbox.data.Dataset
        ``obs_descriptors`` are ``stimulus`` (degrees, or the image's name) and whichever of ``animal``, ``session``,
        ``repeat`` are known, ``channel_descriptors`` the neurons' labels, ``descriptors`` the name, the kind of
        stimuli (``kind``) and the facts. Measurements are a copy, float64.

    Raises
    ------
    InputError
        If rsatoolbox is not installed, or the population is known only by its RDM.

    Examples
    --------
    >>> toy = Recording.from_trials("toy", [[1.0, 2.0], [3.0, 1.0], [5.0, 1.0]], [90, 0, 0])
    >>> dataset = to_rsatoolbox(toy)
    >>> dataset.measurements.shape, list(dataset.obs_descriptors["stimulus"])
    ((3, 2), [90.0, 0.0, 0.0])
    """
    if recording.responses is None:
        raise InputError(
            f"{recording.name} is known only by its RDM; give that to rdms_to_rsatoolbox(recording.rdm, "
            "recording.stimulus)"
        )
    rows = recording.responses if recording.trials is None else recording.trials
    labels = {
        label: rows[label].to_numpy().tolist() for label in (*TRIAL_LABELS, *NEURON_LABELS) if label in rows.coords
    }
    return _rsatoolbox("data").Dataset(
        rows.to_numpy().astype(np.float64),
        descriptors={"name": recording.name, "kind": recording.kind} | facts_of(recording),
        obs_descriptors={"stimulus": rows[recording.kind].to_numpy().tolist()}
        | {label: values for label, values in labels.items() if label in TRIAL_LABELS},
        channel_descriptors={label: values for label, values in labels.items() if label in NEURON_LABELS},
    )


def rdms_to_rsatoolbox(
    rdms: Any, stimulus: Any, *, names: Any = None, dissimilarity_measure: str = "correlation"
) -> Any:
    """One RDM or several as ``rsatoolbox.rdm.RDMs``.

    Parameters
    ----------
    rdms : array_like, shape (n_stimuli, n_stimuli) or (n_rdms, n_stimuli, n_stimuli)
    stimulus : array_like, shape (n_stimuli,)
        Labels, which become the pattern descriptor ``stimulus``.
    names : str or sequence of str, optional
        One for each RDM; they become the RDM descriptor ``name``.
    dissimilarity_measure : str

    Raises
    ------
    InputError
        If rsatoolbox is not installed, a matrix is not square, symmetric and finite, or labels do not fit.

    Examples
    --------
    >>> rdms = rdms_to_rsatoolbox([[0, 1, 2], [1, 0, 0.5], [2, 0.5, 0]], ["cat", "cup", "dog"], names="V1")
    >>> rdms.dissimilarities, rdms.pattern_descriptors["stimulus"]
    (array([[1. , 2. , 0.5]]), ['cat', 'cup', 'dog'])
    """
    matrices = checked_rdms(rdms)
    labels = np.asarray(stimulus)
    if labels.shape != matrices.shape[1:2]:
        raise InputError(f"stimulus has shape {labels.shape}, but there are {matrices.shape[1]} stimuli; give one each")
    descriptors: dict[str, Any] = {}
    if names is not None:
        descriptors["name"] = [names] if isinstance(names, str) else [str(name) for name in names]
        if len(descriptors["name"]) != len(matrices):
            raise InputError(f"there are {len(descriptors['name'])} names, but {len(matrices)} RDMs; give one each")
    return _rsatoolbox("rdm").RDMs(
        matrices,
        dissimilarity_measure=dissimilarity_measure,
        rdm_descriptors=descriptors,
        pattern_descriptors={"stimulus": labels.tolist()},
    )


def checked_rdms(rdms: Any) -> npt.NDArray[np.float64]:
    """RDMs as a stack, shape (n_rdms, n_stimuli, n_stimuli); raises InputError unless square, symmetric and finite."""
    matrices = as_array(rdms, "the RDM").astype(np.float64)
    shape = matrices.shape
    if matrices.ndim not in (2, 3) or shape[-1] != shape[-2] or shape[-1] < 2 or 0 in shape:
        raise InputError(
            f"the RDM has shape {shape}; it must be (n_stimuli, n_stimuli), or (n_rdms, n_stimuli, n_stimuli)"
        )
    if not np.isfinite(matrices).all():
        place = tuple(np.argwhere(~np.isfinite(matrices))[0].tolist())
        raise InputError(f"the RDM is {matrices[place]} at {place}; dissimilarities must be finite")
    unlike = np.abs(matrices - matrices.swapaxes(-1, -2))
    if unlike.max() > 1e-5 * max(np.abs(matrices).max(), 1e-300):
        place = tuple(int(index) for index in np.unravel_index(unlike.argmax(), shape))
        raise InputError(
            f"the RDM is not symmetric, for example at {place}; values above and below the diagonal must be equal"
        )
    return matrices.reshape(-1, *shape[-2:])


def _rsatoolbox(part: str) -> Any:
    try:
        return importlib.import_module(f"rsatoolbox.{part}")
    except ImportError:
        raise InputError("this needs the package rsatoolbox, which is not installed; install it first") from None
