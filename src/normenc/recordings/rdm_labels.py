"""What stimuli of an RDM are called where the file does not say it by a name that is known."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.recordings.axes import shaped
from normenc.recordings.columns import SYNONYMS
from normenc.recordings.labels import TRIAL_LABELS
from normenc.texts import argument, natural_order

__all__ = ["unnamed_labels"]


def unnamed_labels(arrays: Mapping[str, Any], n_stimuli: int, images: Any, notes: list[str]) -> npt.NDArray[Any]:
    """Names of an RDM's stimuli where the file does not say what its labels are, or has none.

    Parameters
    ----------
    arrays : mapping of str to array_like
        Without any that is called as a type of stimuli.
    n_stimuli : int
    images : array_like or mapping, optional
    notes : list of str
        Gets a note on what the names are.

    Raises
    ------
    InputError
        If there are not as many images by name as stimuli.

    Examples
    --------
    >>> notes = []
    >>> unnamed_labels({"ori": np.array([0.0, 60, 120])}, 3, None, notes), notes[0][:55]
    (array([1, 2, 3]), 'stimuli have no labels, and are counted from 1; if ori ')
    """
    labels = np.ravel(shaped(arrays["stimulus"]).array) if "stimulus" in arrays else np.empty(0)
    if labels.dtype.kind in "OUST" and len(labels) == n_stimuli:
        return labels
    if len(labels) == n_stimuli:
        span = f"{float(np.nanmin(labels)):g} to {float(np.nanmax(labels)):g}"
        notes.append(
            f"labels of stimuli ({span}) are taken as names, because nothing says that they are degrees; if they are, "
            f"pass {argument(names={'orientation': 'stimulus'})} or {argument(names={'direction': 'stimulus'})}"
        )
        return labels
    if isinstance(images, Mapping) and len(images) != n_stimuli:
        raise InputError(f"there are {len(images)} images, but the RDM has {n_stimuli} stimuli; give one for each")
    known = {"rdm", "images", "image_names", "notes", *TRIAL_LABELS, *SYNONYMS["animal"], *SYNONYMS["session"]}
    others = [key for key in arrays if key not in known and np.shape(arrays[key]) in ((n_stimuli,), (n_stimuli, 1))]
    if others:
        ways = [argument(names={kind: others[0]}) for kind in ("orientation", "direction", "image")]
        are = f"; if {others[0]} labels them, pass {ways[0]}, {ways[1]} or {ways[2]}"
    else:
        are = ""
    notes.append("stimuli have no labels, and are counted from 1" + _in_order_of(images) + are)
    return np.arange(1, n_stimuli + 1)


def _in_order_of(images: Any) -> str:
    if not isinstance(images, Mapping):
        return ""
    names = list(images)
    return f", as images are in the natural order of their names (1 is {names[natural_order(names)[0]]})"
