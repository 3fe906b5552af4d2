"""Layers of an encoder as RDMs, kept under a digest of all that decides them, as trained networks are."""

import json
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache as once
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from torch import nn

import normenc
from normenc.errors import InputError, NormencWarning
from normenc.import_roots import INSTALLED
from normenc.representations import Encoder, LayerResponses, extract, layers_in_order
from normenc.representations.extraction import DTYPES
from normenc.representations.identity import (
    digest_of_encoder,
    digest_of_images,
    few_images,
    few_values,
    same_values,
)
from normenc.representations.reductions import Projection, as_reduction
from normenc.representations.representing import layer_reader
from normenc.rsa import rdm
from normenc.study.layer_files import FEATURES, LayerResult, pack_layer, precision_of, read_layer, stored
from normenc.study.own_code import code_of, root_of
from normenc.study.rdm_folder import RdmFolder
from normenc.study.source_code import digest_of_code
from normenc.study.unit_files import LAYERS, OLDER_ASIDE, DamagedError, write
from normenc.study.units import packages
from normenc.whole_files import check_writable, remove_leftovers

__all__ = ["KEPT_BYTES", "damage_told_once", "extracted", "places_of", "written"]

FORMAT = 4
CODE = ("arrays.py", "representations", "rsa")  # what decides an RDM, beside the network
OF_RESULTS = ("keep", "metric", "known")  # of what is asked, beside options of extract
KEPT_BYTES = 2**23  # of a layer's responses, in single precision
FLOAT32 = 4
NONE = np.zeros(1, dtype=np.float32)  # of few images, where nothing is compared

T = TypeVar("T")


DAMAGED: ContextVar[list[str] | None] = ContextVar("DAMAGED", default=None)  # files that are told of later


def extracted(
    encoder: Encoder,
    images: Any,
    layers: Sequence[str] | None = None,
    *,
    metric: str = "correlation",
    cache: Path | None = None,
    keep: bool = True,
    store: RdmFolder | None = None,
    known: Mapping[str, Any] | None = None,
    **options: Any,
) -> dict[str, LayerResult | InputError]:
    """RDMs of an encoder's layers, and their responses, or features of large ones; what was computed before is read.

    Parameters
    ----------
    encoder, images, layers
        See :func:`normenc.representations.extract`. Callables that are no modules are computed each time.
    metric : str
        ``"correlation"``, ``"cosine"`` or ``"euclidean"``.
    cache : Path, optional
        Folder in which results are kept, one file for each layer, under a digest of the network (weights, settings,
        code), the images, the layer, its reduction, the metric, and the code and packages that compute with them;
        default: nothing is kept. A file also holds some responses to three of the images; it is used if the network
        still gives these.
    keep : bool
        Whether responses are wanted beside RDMs.
    store : RdmFolder, optional
        Takes RDMs and responses as soon as they are known, so that those of many stimuli are not all in memory.
    known : mapping, optional
        What else decides what the network does, such as the options that it was built with; part of the digest.
    **options
        Of :func:`normenc.representations.extract`.

    Returns
    -------
    dict of str to LayerResult or InputError
        In the requested order; the error if a layer has no dissimilarities, as when all its units are silent.

    Raises
    ------
    InputError
        As :func:`normenc.representations.extract`; also if results cannot be kept.

    Examples
    --------
    >>> from normenc import networks, stimuli
    >>> found = extracted(networks.ConvPoolFC(), stimuli.gratings([-45, 0, 45]), ["pool"])
    >>> found["pool"].rdm.shape, found["pool"].n_units
    ((3, 3), 288)
    """
    asked = options | {"keep": keep, "metric": metric, "known": known or {}}
    if layers is None and cache is not None and isinstance(encoder, nn.Module):
        layers = layers_in_order(encoder, images[:2])
    each = _layers(encoder, images, layers, cache, None, asked)
    return _in_order(((name, stored(result, store)) for name, result, _ in each), layers)


def written(
    encoder: Encoder, images: Any, layers: Sequence[str], *, cache: Path, spool: Path, **asked: Any
) -> dict[str, Path | InputError]:
    """As :func:`extracted`, but what is known of layers stays in their files, one layer at a time in memory.

    Parameters
    ----------
    encoder, images, layers
        See :func:`extracted`.
    cache : Path
    spool : Path
        Folder for the files of encoders of which it is unknown what they do, so that they are not kept in the cache.
    **asked
        ``keep``, ``metric`` and ``known``, as of :func:`extracted`, and options of
        :func:`normenc.representations.extract`.

    Returns
    -------
    dict of str to Path or InputError
        For :func:`normenc.study.layer_files.read_layers`.
    """
    found: dict[str, Path | InputError] = {}
    for name, result, place in _layers(encoder, images, layers, cache, spool, asked):
        if isinstance(result, InputError):
            found[name] = result
        else:
            assert place is not None
            found[name] = place
    return _in_order(found.items(), layers)


def places_of(encoder: Encoder, images: Any, layers: Sequence[str], *, cache: Path, **asked: Any) -> dict[str, Path]:
    """The file of each layer, which may not be there yet; none if it is unknown what the encoder does.

    Arguments are those of :func:`written`.
    """
    return _places(encoder, images, layers, cache, asked)


def _in_order(found: Iterable[tuple[str, T]], layers: Sequence[str] | None) -> dict[str, T]:
    """What was found of layers, in the requested order where there is one."""
    known = dict(found)
    return {name: known[name] for name in (known if layers is None else layers)}


def _layers(
    encoder: Encoder,
    images: Any,
    layers: Sequence[str] | None,
    cache: Path | None,
    spool: Path | None,
    asked: Mapping[str, Any],
) -> Iterator[tuple[str, LayerResult | InputError, Path | None]]:
    """Every layer with its file, if it has one: those that were kept, then those that are computed."""
    options = {name: value for name, value in asked.items() if name not in OF_RESULTS}
    places = {} if cache is None else _places(encoder, images, layers, cache, asked)
    few = _few_values(encoder, images, places, options)
    missing = list(places) or layers
    for name, kept in _kept(places, few, len(images)):
        yield name, kept, places[name]
        missing = [other for other in missing or () if other != name]
    if missing is not None and not missing:
        return
    if places and cache is not None:
        check_writable(cache, "layers cannot be kept here", LAYERS.advice)
    with extract(encoder, images, missing, **options) as responses:
        for name, layer in responses.items():
            result = _result(layer, asked["metric"], asked["keep"])
            place = places.get(name) if spool is None or places else spool / f"{token_hex(16)}.safetensors"
            if place is not None and isinstance(result, LayerResult):
                write(place, pack_layer(result, few.get(name, NONE), place.stem), LAYERS)
            yield name, result, place


def _result(layer: LayerResponses, metric: str, keep: bool) -> LayerResult | InputError:
    try:
        matrix: npt.NDArray[Any] = rdm(layer, metric)
    except InputError as error:
        return error
    matrix = matrix.astype(precision_of(len(matrix)), copy=False)
    values, features = _responses(layer) if keep else (None, "")
    return LayerResult(layer.name, layer.shape[1], matrix, values, layer.note, features)


def _responses(layer: LayerResponses) -> tuple[npt.NDArray[Any], str]:
    """A layer's responses in memory, or features in their place, and how these were made."""
    n_stimuli, n_units = layer.shape
    projection = FEATURES.of_layer(n_units)
    if not isinstance(projection, Projection) or n_stimuli * n_units * FLOAT32 <= KEPT_BYTES:
        return np.array(layer.values(), dtype=np.float32), ""
    return projection.of_blocks(layer.blocks()).astype(np.float32), projection.note


def _places(
    encoder: Encoder,
    images: Any,
    layers: Sequence[str] | None,
    cache: Path,
    options: Mapping[str, Any],
) -> dict[str, Path]:
    """Each layer's file, in the requested order; none if it is unknown what the encoder does."""
    own = digest_of_encoder(encoder)
    if own is None or layers is None or not isinstance(encoder, nn.Module):
        return {}
    content = {
        "format": FORMAT,
        "code": _code_digest(),
        "own code": sorted({code for part in encoder.modules() if (code := _code_of(type(part)))}),
        "packages": packages(),
        "encoder": own,
        "images": digest_of_images(images),
        "metric": options["metric"],
        "known": repr(sorted(options["known"].items())),
        "reduce": repr(as_reduction(options.get("reduce"))),
        "dtype": str(options.get("dtype", "float32")),
        "keep": options["keep"],
    }
    keys = {name: sha256(json.dumps(content | {"layer": name}, sort_keys=True).encode()) for name in layers}
    return {name: cache / f"{key.hexdigest()[:32]}.safetensors" for name, key in keys.items()}


def _few_values(
    encoder: Encoder, images: Any, places: Mapping[str, Path], options: Mapping[str, Any]
) -> dict[str, npt.NDArray[Any]]:
    """What the layers that have files give for three of the images."""
    if not places:
        return {}
    with layer_reader(encoder, few_images(images), list(places), DTYPES[options.get("dtype", "float32")]) as reader:
        return few_values(reader)


def _code_of(kind: type) -> str | None:
    """A digest of an own class's code and all that it imports; of installed packages, the class's own file counts."""
    root = root_of(kind)
    try:
        return None if root is None or root.name in INSTALLED else code_of(kind)
    except InputError:  # without a source file, such as a class made in a notebook: its functions count
        return None


@once
def _code_digest() -> str:
    here = Path(normenc.__file__).parent
    files = [file for part in CODE for file in ([here / part] if part.endswith(".py") else (here / part).rglob("*.py"))]
    return digest_of_code(files, here)


def _kept(
    places: Mapping[str, Path], few: Mapping[str, npt.NDArray[Any]], n_stimuli: int
) -> Iterator[tuple[str, LayerResult]]:
    """Results that were kept; one warning tells of those that were damaged, and are computed again."""
    damaged = []
    for name, place in places.items():
        try:
            if place.exists():
                kept, values = read_layer(place, n_stimuli)
                if same_values(values, few[name]):  # else it is of a network that differs in what no digest knows
                    yield name, kept
        except DamagedError as error:
            damaged.append(f"{place}: {error}")
    for folder in {place.parent for place in places.values()}:
        remove_leftovers(folder, OLDER_ASIDE)
    with damage_told_once() as told:
        told.extend(damaged)


@contextmanager
def damage_told_once(*, tell: bool = True) -> Iterator[list[str]]:
    """Warn once, at the end, of all files that were damaged; within another such block, at the end of that one.

    With ``tell=False`` they are listed without a warning, for another process to tell.
    """
    if (around := DAMAGED.get()) is not None:
        yield around
        return
    damaged: list[str] = []
    token = DAMAGED.set(damaged)
    try:
        yield damaged
    finally:
        DAMAGED.reset(token)
        if damaged and tell:
            count = "1 layer" if len(damaged) == 1 else f"{len(damaged)} layers"
            told = f"what was kept of {count} was damaged, and is computed again ({damaged[0]})"
            warnings.warn(told, NormencWarning, stacklevel=3)
