"""Macaque recordings as Brain-Score publishes them: Majaj & Hong 2015 (V4, IT) and Freeman & Ziemba 2013 (V1, V2)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError, quoted
from normenc.recordings.axes import Shaped, shaped
from normenc.recordings.contents import Contents
from normenc.recordings.formats import listed, opened
from normenc.recordings.labels import as_text
from normenc.recordings.public.collection import Collection, Option, RemoteFile
from normenc.recordings.public.parts import IMAGES, MISSING, file_of, filled, is_yes
from normenc.recordings.public.stimulus_sets import column_of, pictures_of
from normenc.recordings.recording import Recording

__all__ = ["COLLECTIONS"]

BUCKET = "https://brainio-brainscore.s3.amazonaws.com"
STIMULUS = ("stimulus_id", "image_id")  # the second in older files
DIMENSIONS = ("presentation", "neuroid")
LAYOUT = "an assembly of BrainIO has a variable presentation x neuroid, or with time_bin, and stimulus_id or image_id"


def _files(remote: tuple[RemoteFile, ...], name: str) -> Callable[[str | None], tuple[RemoteFile, ...]]:
    def files(session: str | None) -> tuple[RemoteFile, ...]:
        if session is not None:
            raise InputError(f"{name} is one recording; leave out {quoted(session)}")
        return remote

    return files


def _remote(name: str, sha1: str) -> RemoteFile:
    return RemoteFile(name, f"{BUCKET}/{name}", checksum=f"sha1:{sha1}")


def _reader(name: str) -> Callable[[Mapping[str, Path], str | None, Mapping[str, str]], Recording]:
    def read(files: Mapping[str, Path], session: str | None, options: Mapping[str, str]) -> Recording:
        collection = next(own for own in COLLECTIONS if own.name == name)
        asked = filled(collection, options)
        with file_of(files, ".nc", "the assembly") as path, opened(path) as arrays:
            content = _contents(arrays, collection, asked, files)
        images, notes = None, list(content.notes)
        if is_yes(asked, "images"):
            images, said = pictures_of(files, np.unique(content.stimulus))
            notes += said
        with file_of(files, ".nc", "the assembly"):  # for the name in messages
            return replace(content, images=images, notes=tuple(notes)).recording(missing=asked["missing"])

    return read


def _contents(
    arrays: Mapping[str, Any], collection: Collection, asked: Mapping[str, str], files: Mapping[str, Path]
) -> Contents:
    data = _assembly(arrays)
    stimulus = _along(arrays, next((name for name in STIMULUS if name in arrays), STIMULUS[0]), "presentation", data)
    region = _along(arrays, "region", "neuroid", data)
    wanted = np.unique(region) if asked["region"] == "all" else asked["region"].split(",")
    neurons = np.isin(region, wanted)
    if not neurons.any():
        raise InputError(f"no neuron has region {quoted(asked['region'])}; there are {', '.join(np.unique(region))}")
    values = np.transpose(data.array, [data.dims.index(dim) for dim in (*DIMENSIONS, *_times(data))])[:, neurons]
    steps, notes = list[str](), list[str]()
    if not neurons.all():
        steps.append(f"kept {neurons.sum():,} of {len(neurons):,} neurons (region {', '.join(wanted)})")
    rows = None
    if asked.get("variation", "all") != "all":
        if "variation" in arrays:
            variation = _along(arrays, "variation", "presentation", data)
        else:
            variation = column_of(files, "variation", stimulus)
        rows = _as_numbers(variation) == float(asked["variation"])
        if not rows.any():
            raise InputError(
                f"no image has variation {asked['variation']}; there are {', '.join(sorted(set(variation.tolist())))}"
            )
        values, stimulus = values[rows], stimulus[rows]
        steps.append(f"kept {rows.sum():,} of {len(rows):,} presentations (variation {asked['variation']})")
    if values.ndim == 3:
        values, said = _averaged(values, arrays, asked["window"])
        steps += said
    else:
        published = collection.options["window"].default
        if asked["window"] != published:
            raise InputError(
                f"window is {quoted(asked['window'])}, but responses have no axis of time: they are those of "
                f"{published} ms, as published; leave the window out"
            )
        notes.append(f"responses have no axis of time; the window {published} ms is that of the publication")
    trials: dict[str, Any] = {}
    if "repetition" in arrays:
        repeat = _as_numbers(_along(arrays, "repetition", "presentation", data))
        trials["repeat"] = repeat if rows is None else repeat[rows]
    of_neurons = {"region": region[neurons]}
    for label, own in (("neuron", "neuroid_id"), ("neuron_animal", "animal")):
        if own in arrays:
            of_neurons[label] = _along(arrays, own, "neuroid", data)[neurons]
    return Contents(
        collection.name,
        "image",
        stimulus,
        values,
        trials=trials,
        neurons=of_neurons,
        facts=collection.facts | {"area": ", ".join(np.unique(of_neurons["region"]))},
        read_as=f"{values.shape[0]:,} presentations x {values.shape[1]:,} neurons",
        notes=tuple(notes),
        steps=tuple(steps),
    )


def _assembly(arrays: Mapping[str, Any]) -> Shaped:
    """The only variable that lies along presentations and neurons."""
    found = {name: own for name, values in arrays.items() if set(DIMENSIONS) <= set((own := shaped(values)).dims)}
    if len(found) != 1:
        what = "no such variable" if not found else f"{len(found)} such variables ({', '.join(found)})"
        raise InputError(f"{LAYOUT}; it holds {what}: {listed(arrays)}")
    ((name, data),) = found.items()
    others = [dim for dim in data.dims if dim not in (*DIMENSIONS, "time_bin")]
    if others or np.asarray(data.array).dtype.kind not in "iuf":
        raise InputError(f"{name} lies along {', '.join(map(str, data.dims))}; {LAYOUT}")
    return Shaped(np.asarray(data.array), data.dims)


def _times(data: Shaped) -> tuple[str, ...]:
    return ("time_bin",) if "time_bin" in data.dims else ()


def _along(arrays: Mapping[str, Any], name: str, dim: str, data: Shaped) -> npt.NDArray[Any]:
    """A label of presentations, or of neurons, as text."""
    if name not in arrays:
        raise InputError(f"there is no {name}; {LAYOUT}. It holds {listed(arrays)}")
    label = shaped(arrays[name])
    if label.dims not in ((dim,), (None,)) or label.shape != (data.shape[data.dims.index(dim)],):
        raise InputError(f"{name} has shape {label.shape}; it must lie along {dim}")
    return as_text(label.array, name)


def _as_numbers(texts: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    try:
        return texts.astype(np.float64)
    except ValueError:
        raise InputError(f"{quoted(str(texts[0]))} is not a number, as variation and repetition are") from None


def _averaged(values: npt.NDArray[Any], arrays: Mapping[str, Any], window: str) -> tuple[npt.NDArray[Any], list[str]]:
    """Mean over the bins of time that lie within a window, and the step in words, where there are several bins."""
    starts, ends = (
        np.ravel(np.asarray(shaped(arrays[name]).array, dtype=np.float64)) if name in arrays else np.empty(0)
        for name in ("time_bin_start", "time_bin_end")
    )
    if not len(starts) == len(ends) == values.shape[2]:
        raise InputError(f"there are {values.shape[2]:,} bins of time, but no time_bin_start and time_bin_end for each")
    try:
        first, last = map(float, window.split(","))
    except ValueError:
        raise InputError(
            f"window is {quoted(window)}; it must be two numbers of milliseconds, such as 50,200"
        ) from None
    if not (starts < ends).all():
        raise InputError("a bin of time ends before it begins (time_bin_start, time_bin_end); fetch the file again")
    inside = (starts >= first) & (ends <= last)
    if not inside.any():
        raise InputError(
            f"no bin of time lies within {window} ms; bins run from {starts.min():g} to {ends.max():g} ms, each of "
            f"{np.median(ends - starts):g}"
        )
    said = f"averaged over {inside.sum():,} of {len(inside):,} bins of time within {first:g} to {last:g} ms"
    return values[:, :, inside].mean(axis=2), [said] * (len(inside) > 1)


def _window(default: str) -> Option:
    return Option(default, "milliseconds after the onset of an image over which bins of time are averaged: START,STOP")


def _region(default: str, *others: str) -> Option:
    return Option(default, "of the neurons, or all", (default, *others, "all"))


MAJAJ = Collection(
    name="majaj2015",
    what="3,200 images of objects on backgrounds, about 50 repeats, sites of V4 (88) and IT (168)",
    species="macaque",
    area="V4 and IT",
    units="multi-unit rate, normalised as published",
    citation="Majaj, Hong, Solomon & DiCarlo, Simple learned weighted sums of inferior temporal neuronal firing rates "
    "accurately predict human core object recognition performance, Journal of Neuroscience 35 (2015)",
    licence="as stated at the source",
    source="https://github.com/brain-score/vision",
    files=_files(
        (
            _remote("assy_dicarlo_MajajHong2015_public.nc", "13d28ca0ce88ee550b54db3004374ae19096e9b9"),
            _remote("image_dicarlo_hvm-public.csv", "5ca7a3da00d8e9c694a9cd725df5ba0ad6d735af"),
            _remote("image_dicarlo_hvm-public.zip", "8aa44e038d7b551efa8077467622f9d48d72e473"),
        ),
        "majaj2015",
    ),
    read=_reader("majaj2015"),
    options={
        "region": _region("IT", "V4"),
        "variation": Option("all", "how much objects vary in place, size and pose: 0, 3, or all", ("0", "3", "all")),
        "window": _window("70,170"),
        "missing": MISSING,
        "images": IMAGES,
    },
    processing=("rates were counted from 70 to 170 ms and normalised before they were published",),
)

FREEMAN = Collection(
    name="freeman2013",
    what="textures and noise with the same spectrum, 20 repeats, neurons of V1 (102) and V2 (103)",
    species="macaque",
    area="V1 and V2",
    units="spikes in a bin of 1 ms",
    citation="Freeman, Ziemba, Heeger, Simoncelli & Movshon, A functional and perceptual signature of the second "
    "visual area in primates, Nature Neuroscience 16 (2013)",
    licence="as stated at the source",
    source="https://github.com/brain-score/vision",
    files=_files(
        (
            _remote("assy_movshon_FreemanZiemba2013_public.nc", "761c08f796db4e342555cdb60eef23a4f19ead43"),
            _remote("image_movshon_FreemanZiemba2013_aperture-public.csv", "194c9b301a4e3e9cff02481d4c19b39331d52660"),
            _remote("image_movshon_FreemanZiemba2013_aperture-public.zip", "ad3c6c237491485c863acd2f4d2f219f737e424c"),
        ),
        "freeman2013",
    ),
    read=_reader("freeman2013"),
    options={
        "region": _region("V1", "V2"),
        "window": _window("50,200"),
        "missing": MISSING,
        "images": IMAGES,
    },
    processing=("spikes in bins of 1 ms are averaged from 50 to 200 ms after the onset of an image",),
)

COLLECTIONS = (MAJAJ, FREEMAN)
