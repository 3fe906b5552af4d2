"""Cadena et al. 2019: single neurons of macaque V1, 1,450 photographs and images made to match them in a network."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError, quoted
from normenc.recordings.contents import Contents
from normenc.recordings.grey_values import as_shown
from normenc.recordings.labels import as_text
from normenc.recordings.public.collection import Collection, Option, RemoteFile
from normenc.recordings.public.parts import IMAGES, file_of, filled, is_yes, needs, whole_numbers
from normenc.recordings.public.pickles import load_pickle
from normenc.recordings.recording import Recording

__all__ = ["COLLECTION"]

FILE = "cadena_ploscb_data.pkl"
TYPES = ("original", "conv1", "conv2", "conv3", "conv4")
OF_NEURONS = {"neuron": "unit_id", "neuron_animal": "subject_id", "neuron_session": "session_id"}


def _files(session: str | None) -> tuple[RemoteFile, ...]:
    if session is not None:
        raise InputError(f"cadena2019 is one recording; leave out {quoted(session)}")
    return (RemoteFile(FILE, f"gin:doi/Cadena_PlosCB19_data/data_binned_responses/{FILE}"),)


def _read(files: Mapping[str, Path], session: str | None, options: Mapping[str, str]) -> Recording:
    asked = filled(COLLECTION, options)
    with file_of(files, ".pkl", "the recording") as path:
        saved = load_pickle(path)
        needs(saved, ("images", "responses", "image_types", "repetitions"), "the recording cadena2019")
        return _contents(saved, asked).recording(missing=asked["missing"])


def _contents(saved: Mapping[str, Any], asked: Mapping[str, str]) -> Contents:
    responses, types = np.asarray(saved["responses"]), _texts(saved["image_types"])
    repetitions = whole_numbers(saved["repetitions"], "repetitions")
    if responses.ndim != 3 or responses.dtype.kind != "f" or responses.shape[1:] != (len(types), len(repetitions)):
        raise InputError(
            f"responses have shape {responses.shape}, and there are types of {len(types):,} images and repetitions of "
            f"{len(repetitions):,} neurons; responses must be repeats x images x neurons"
        )
    n_repeats = int(asked["repeats"])
    neurons = np.flatnonzero(repetitions >= n_repeats)
    shown = np.ones(len(types), dtype=bool) if asked["type"] == "all" else types == asked["type"]
    if not len(neurons) or not shown.any() or n_repeats > len(responses):
        raise InputError(
            f"no neuron has {n_repeats} repeats of images of type {asked['type']}; types are "
            f"{', '.join(np.unique(types))}, and neurons have {repetitions.min()} to {repetitions.max()} repeats"
        )
    steps = []
    if not shown.all():
        steps.append(f"kept {shown.sum():,} of {len(shown):,} images (type {asked['type']})")
    if n_repeats < len(responses):
        steps.append(f"kept the first {n_repeats} of {len(responses)} repeats")
    if len(neurons) < len(repetitions):
        steps.append(f"kept {len(neurons):,} of {len(repetitions):,} neurons (with {n_repeats} repeats)")
    values = responses[:n_repeats][:, shown][:, :, neurons]
    labels = np.tile(_names(saved, types)[shown], n_repeats)
    values = values.reshape(-1, len(neurons))
    repeat = np.repeat(np.arange(n_repeats), int(shown.sum()))
    absent = np.isnan(values).all(axis=1)
    notes = [f"left out {absent.sum():,} of {len(absent):,} repeats that hold no response (NaN)"] * bool(absent.any())
    notes.append("neurons of different sessions are read as if they had been recorded together")
    images = None
    if is_yes(asked, "images"):
        images, said = _pictures(saved["images"], _names(saved, types), np.unique(labels[~absent]))
        notes += said
    of_neurons = _labels(saved, len(repetitions))
    return Contents(
        "cadena2019",
        "image",
        labels[~absent],
        values[~absent],
        images=images,
        trials={"repeat": repeat[~absent]},
        neurons={label: own[neurons] for label, own in of_neurons.items()},
        facts=COLLECTION.facts,
        read_as=f"{n_repeats} repeats x {shown.sum():,} images x {len(neurons):,} neurons",
        notes=tuple(notes),
        steps=tuple(steps),
    )


def _texts(values: Any) -> npt.NDArray[np.str_]:
    """Texts that may lie in arrays of their own, as those of a MATLAB cell do."""
    flat = [np.ravel(np.asarray(item)) for item in np.ravel(np.asarray(values))]
    if any(item.size != 1 for item in flat):
        raise InputError("image_types hold several texts for one image")
    return as_text(np.concatenate(flat) if flat else np.empty(0, dtype=str), "image_types")


def _names(saved: Mapping[str, Any], types: npt.NDArray[np.str_]) -> npt.NDArray[np.str_]:
    """Type and number of each image; ``image_numbers`` counts photographs, which all types share."""
    source = next((name for name in ("image_numbers", "image_ids") if name in saved), None)
    numbers = np.arange(len(types)) if source is None else whole_numbers(saved[source], source)
    if len(numbers) != len(types):
        raise InputError(f"{source} are of {len(numbers):,} images, image_types of {len(types):,}")
    width = len(str(int(numbers.max())))
    names = [f"{kind} {number:0{width}d}" for kind, number in zip(types.tolist(), numbers.tolist(), strict=True)]
    if len(set(names)) < len(names):
        raise InputError(f"two images of one type have the same number in {source}")
    return np.array(names)


def _pictures(
    stack: Any, names: npt.NDArray[np.str_], used: npt.NDArray[np.str_]
) -> tuple[npt.NDArray[Any], tuple[str, ...]]:
    images = np.asarray(stack)
    if images.ndim != 3 or len(images) != len(names):
        raise InputError(f"images have shape {images.shape}; they must be {len(names):,} images x height x width")
    order = np.argsort(names)
    return as_shown(images, order[np.searchsorted(names[order], used)])


def _labels(saved: Mapping[str, Any], n_neurons: int) -> dict[str, npt.NDArray[Any]]:
    """Labels of the neurons; units have numbers within their session."""
    labels = {}
    for label, own in OF_NEURONS.items():
        if own in saved:
            if np.size(saved[own]) != n_neurons:
                raise InputError(f"{own} is of {np.size(saved[own]):,} neurons, but responses are of {n_neurons:,}")
            labels[label] = np.ravel(np.asarray(saved[own])).astype(str)
    names = labels.get("neuron")
    if names is not None and len(np.unique(names)) < n_neurons:
        session = labels.get("neuron_session")
        joined = None if session is None else np.strings.add(np.strings.add(session, "/"), names)
        if joined is None or len(np.unique(joined)) < n_neurons:
            del labels["neuron"]
        else:
            labels["neuron"] = joined
    return labels


COLLECTION = Collection(
    name="cadena2019",
    what="1,450 photographs and four sets of images made to match them in layers of VGG-19, 166 neurons, 2 or 4 "
    "repeats",
    species="macaque",
    area="V1",
    units="spikes in the published window after the onset of an image",
    citation="Cadena, Denfield, Walker, Gatys, Tolias, Bethge & Ecker, Deep convolutional models improve predictions "
    "of macaque V1 responses to natural images, PLoS Computational Biology 15 (2019)",
    licence="CC BY-NC-ND 4.0; whoever publishes a new analysis must ask the authors first",
    source="https://gin.g-node.org/doi/Cadena_PlosCB19_data",
    files=_files,
    read=_read,
    options={
        "type": Option("original", "original: photographs; conv1 to conv4: made to match them; all", (*TYPES, "all")),
        "repeats": Option("4", "how many repeats each neuron must have; later ones are left out", ("2", "4")),
        "missing": Option(
            "neurons",
            "what is left out where a neuron did not see an image: these neurons, or these trials of all neurons",
            ("error", "neurons", "trials"),
        ),
        "images": IMAGES,
    },
    processing=("spikes were sorted and counted before they were published",),
    restricted=True,
)
