"""How the recording and the encoders that pictures show respond: their tuning, and embeddings of their stimuli."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from normenc.embedding import N_COMPONENTS, embed_components, principal_components, principal_components_of_rdm
from normenc.encoders import EncoderKind
from normenc.progress import ProgressCallback, each, reporting, stage
from normenc.recordings import Recording
from normenc.study.comparing import Compared
from normenc.study.describing import Description, descriptions_of
from normenc.study.represented import Represented

__all__ = ["Populations", "describe"]

MOST_EMBEDDED = 500  # stimuli


@dataclass(frozen=True)
class Populations:
    """How the recording and the encoders that pictures show respond.

    Attributes
    ----------
    components, embeddings : dict of str to ndarray, shape (n_stimuli, 20) or fewer, and (n_stimuli, 2)
        By label, of the recording and of what is shown: principal components, and t-SNE of these. Of more than 500
        stimuli, 500 are embedded, and the others are NaN.
    descriptions : dict of str to Description
        Tuning of the recording, of the trained layers that are shown and of controls, by label; none of images.
    """

    components: dict[str, npt.NDArray[np.float64]]
    embeddings: dict[str, npt.NDArray[np.float64]]
    descriptions: dict[str, Description]


def describe(
    represented: Represented, compared: Compared | None = None, *, progress: bool | ProgressCallback = True
) -> Populations:
    """Describe the tuning of the recorded neurons and of the encoders' units, and embed their stimuli.

    Parameters
    ----------
    represented : Represented
        From :func:`normenc.study.represent`.
    compared : Compared, optional
        From :func:`normenc.study.compare`: of several tasks or networks, the most similar layers alone are described.
        All are without it.
    progress : bool or callable
        See :func:`normenc.study.run`.

    Returns
    -------
    Populations
    """
    prepared, own_label = represented.prepared, represented.recording_label
    recording = prepared.recording
    shown = tuple(represented.firsts.values()) if compared is None else compared.shown
    if recording.responses is None:
        components = {own_label: principal_components_of_rdm(prepared.recording_rdm, N_COMPONENTS)}
    else:
        components = {own_label: principal_components(recording.responses, N_COMPONENTS)}
    components |= {r.label: principal_components(r.responses, N_COMPONENTS) for r in shown}
    described = [r for r in shown if r.encoder.kind is not EncoderKind.TWIN]
    with reporting(progress) as progress:
        with stage(progress, "describing tuning", 1 + len(described)) as counted:
            descriptions = descriptions_of(prepared.described, own_label, counted.over(described), recording)
        some = _embedded(recording)
        embeddings = {label: _embed(own, some) for label, own in each(progress, "embedding", components.items())}
    return Populations(components, embeddings, descriptions)


def _embedded(recording: Recording) -> npt.NDArray[np.intp]:
    """Stimuli that are embedded: all or, of more than 500, as many, at even distances where they have an order."""
    n_stimuli = recording.n_stimuli
    if n_stimuli <= MOST_EMBEDDED:
        return np.arange(n_stimuli)
    if not recording.shown.is_named:
        return np.linspace(0, n_stimuli, MOST_EMBEDDED, endpoint=False).astype(np.intp)
    return np.sort(np.random.default_rng(0).permutation(n_stimuli)[:MOST_EMBEDDED])


def _embed(components: npt.NDArray[np.float64], some: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """Points of all stimuli; NaN for those that are not embedded."""
    points = np.full((len(components), 2), np.nan)
    points[some] = embed_components(components[some])
    return points
