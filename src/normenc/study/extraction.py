"""Layers of an encoder as RDMs, kept under a digest of all that decides them, as trained networks are."""

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cache as once
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

import normenc
from normenc.errors import InputError, NormencWarning
from normenc.representations import Encoder, LayerResponses, Reduction, extract, layers_in_order
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
from normenc.rsa.pairs import MANY_STIMULI, upper, whole
from normenc.rsa.stored import Matrix
from normenc.study.own_code import INSTALLED, code_of, root_of
from normenc.study.rdm_folder import RdmFolder
from normenc.study.source_code import digest_of_code
from normenc.study.unit_files import LAYERS, OLDER_ASIDE, DamagedError, check_forms, pack, unpack, write
from normenc.study.units import packages
from normenc.whole_files import check_writable, remove_leftovers

__all__ = ["LayerResult", "damage_told_once", "extracted"]

FORMAT = 4
TEXTS = ("note", "name", "features")
CODE = ("arrays.py", "representations", "rsa")  # what decides an RDM, beside the network
KEPT_BYTES = 2**23  # of a layer's responses, in single precision
FEATURES = Reduction("projection", 1000)  # in place of more
FLOAT32 = 4


DAMAGED: ContextVar[list[str] | None] = ContextVar("DAMAGED", default=None)  # files that are told of later


@dataclass(frozen=True)
class LayerResult:
    """What is kept of a layer.

    Attributes
    ----------
    name : str
    n_units : int
        Of which the RDM was computed.
    rdm : ndarray or StoredRdm, shape (n_stimuli, n_stimuli)
        In single precision if it is of more than 400 stimuli.
    responses : ndarray, shape (n_stimuli, n_units) or (n_stimuli, 1000), or None
        Features in place of units if these take more than 8 MiB; None if they were not asked for.
    note : str
        How units were reduced, see :class:`normenc.representations.LayerResponses`.
    features : str
        How features were made of units; empty where there are none.
    """

    name: str
    n_units: int
    rdm: Matrix
    responses: npt.NDArray[Any] | None
    note: str
    features: str = ""


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
    own = options | {"keep": keep, "metric": metric, "known": known or {}}
    places = {} if cache is None else _places(encoder, images, layers, cache, own)
    few = _few_values(encoder, images, places, options)
    found: dict[str, LayerResult | InputError] = _kept(places, few, len(images), store)
    missing = layers if not places else [name for name in places if name not in found]
    if missing is None or missing:
        if places and cache is not None:
            check_writable(cache, "layers cannot be kept here", LAYERS.advice)
        with extract(encoder, images, missing, **options) as responses:
            for name, layer in responses.items():
                result = _result(layer, metric, keep)
                if name in places and isinstance(result, LayerResult):
                    write(places[name], _packed(result, few[name], places[name].stem), LAYERS)
                found[name] = _stored(result, store)
    return {name: found[name] for name in (places or layers or found)}


def _result(layer: LayerResponses, metric: str, keep: bool) -> LayerResult | InputError:
    try:
        matrix: npt.NDArray[Any] = rdm(layer, metric)
    except InputError as error:
        return error
    matrix = matrix.astype(_precision(len(matrix)), copy=False)
    values, features = _responses(layer) if keep else (None, "")
    return LayerResult(layer.name, layer.shape[1], matrix, values, layer.note, features)


def _stored(result: LayerResult | InputError, store: RdmFolder | None) -> LayerResult | InputError:
    if store is None or isinstance(result, InputError):
        return result
    responses = None if result.responses is None else store.keep_responses(result.responses)
    return replace(result, rdm=store.keep(np.asarray(result.rdm)), responses=responses)


def _precision(n_stimuli: int) -> type[np.floating[Any]]:
    return np.float32 if n_stimuli > MANY_STIMULI else np.float64


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
    """Each layer's file; none if it is unknown what the encoder does."""
    own = digest_of_encoder(encoder)
    if own is None or not isinstance(encoder, nn.Module):
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
    names = layers_in_order(encoder, images[:2]) if layers is None else layers
    keys = {name: sha256(json.dumps(content | {"layer": name}, sort_keys=True).encode()) for name in names}
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


def _packed(result: LayerResult, few: npt.NDArray[Any], key: str) -> bytes:
    tensors = {
        "few": torch.from_numpy(few),
        "rdm": torch.from_numpy(upper(np.asarray(result.rdm))),
        "n_units": torch.tensor(result.n_units),
        "note": torch.frombuffer(bytearray(b" " + result.note.encode()), dtype=torch.uint8),
        "name": torch.frombuffer(bytearray(b" " + result.name.encode()), dtype=torch.uint8),
        "features": torch.frombuffer(bytearray(b" " + result.features.encode()), dtype=torch.uint8),
    }
    if result.responses is not None:
        tensors["responses"] = torch.from_numpy(np.ascontiguousarray(result.responses))
    return pack(tensors, key)


def _kept(
    places: Mapping[str, Path], few: Mapping[str, npt.NDArray[Any]], n_stimuli: int, store: RdmFolder | None
) -> dict[str, LayerResult | InputError]:
    """Results that were kept; one warning tells of those that were damaged, and are computed again."""
    found: dict[str, LayerResult | InputError] = {}
    damaged = []
    for name, place in places.items():
        try:
            if place.exists():
                kept, values = _unpacked(place, n_stimuli)
                if same_values(values, few[name]):  # else it is of a network that differs in what no digest knows
                    found[name] = _stored(kept, store)
        except (DamagedError, OSError) as error:
            damaged.append(f"{place}: {error}")
    for folder in {place.parent for place in places.values()}:
        remove_leftovers(folder, OLDER_ASIDE)
    with damage_told_once() as told:
        told.extend(damaged)
    return found


@contextmanager
def damage_told_once() -> Iterator[list[str]]:
    """Warn once, at the end, of all files that were damaged; within another such block, at the end of that one."""
    if (around := DAMAGED.get()) is not None:
        yield around
        return
    damaged: list[str] = []
    token = DAMAGED.set(damaged)
    try:
        yield damaged
    finally:
        DAMAGED.reset(token)
        if damaged:
            count = "1 layer" if len(damaged) == 1 else f"{len(damaged)} layers"
            told = f"what was kept of {count} was damaged, and is computed again ({damaged[0]})"
            warnings.warn(told, NormencWarning, stacklevel=3)


def _unpacked(place: Path, n_stimuli: int) -> tuple[LayerResult, npt.NDArray[Any]]:
    """What was kept of a layer, and its responses to few images."""
    if not place.is_file():  # a pipe would never end
        raise DamagedError("it is not a file")
    tensors = unpack(place.read_bytes(), place.stem)
    values, few = tensors.pop("responses", None), tensors.pop("few", torch.zeros(0))
    texts = {name: tensors.pop(name) for name in TEXTS if name in tensors}
    n_pairs = n_stimuli * (n_stimuli - 1) // 2
    precision = torch.float32 if n_stimuli > MANY_STIMULI else torch.float64
    check_forms(tensors, {"rdm": (precision, (n_pairs,)), "n_units": (torch.int64, ())})
    n_kept = FEATURES.n_units if values is not None and len(texts.get("features", " ")) > 1 else int(tensors["n_units"])
    if len(texts) < len(TEXTS) or (values is not None and tuple(values.shape) != (n_stimuli, n_kept)):
        raise DamagedError("a part is missing, or does not have the expected shape")
    matrix = whole(tensors["rdm"].numpy(), n_stimuli)
    note, name, features = (bytes(texts[of].numpy()).decode()[1:] for of in TEXTS)
    responses = None if values is None else values.numpy()
    return LayerResult(name, int(tensors["n_units"]), matrix, responses, note, features), few.numpy()
