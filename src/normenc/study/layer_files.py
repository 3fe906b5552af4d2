"""The file that is kept of a layer of an encoder: its RDM, responses or features, and what it gave for few images."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from normenc.errors import InputError
from normenc.representations import Reduction
from normenc.rsa.pairs import MANY_STIMULI, upper, whole
from normenc.rsa.stored import Matrix
from normenc.study.rdm_folder import RdmFolder
from normenc.study.unit_files import DamagedError, check_forms, pack, unpack

__all__ = ["FEATURES", "LayerResult", "pack_layer", "precision_of", "read_layer", "read_layers", "stored"]

TEXTS = ("note", "name", "features")
FEATURES = Reduction("projection", 1000)  # in place of more


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


def read_layers(
    found: Mapping[str, Path | InputError], n_stimuli: int, store: RdmFolder | None = None
) -> dict[str, LayerResult | InputError]:
    """Layers of which there are files, and the errors of the others.

    Raises
    ------
    DamagedError
        If a file is missing, or is not what was written.
    """
    results: dict[str, LayerResult | InputError] = {}
    for name, place in found.items():
        results[name] = place if isinstance(place, InputError) else stored(read_layer(place, n_stimuli)[0], store)
    return results


def stored(result: LayerResult | InputError, store: RdmFolder | None) -> LayerResult | InputError:
    """The same, with its RDM and responses where they are kept."""
    if store is None or isinstance(result, InputError):
        return result
    responses = None if result.responses is None else store.keep_responses(result.responses)
    return replace(result, rdm=store.keep(np.asarray(result.rdm)), responses=responses)


def precision_of(n_stimuli: int) -> type[np.floating[Any]]:
    """Of RDMs of so many stimuli."""
    return np.float32 if n_stimuli > MANY_STIMULI else np.float64


def pack_layer(result: LayerResult, few: npt.NDArray[Any], key: str) -> bytes:
    """The file of a layer, which gave `few` for few of the images."""
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


def read_layer(place: Path, n_stimuli: int) -> tuple[LayerResult, npt.NDArray[Any]]:
    """What was kept of a layer, and its responses to few images.

    Raises
    ------
    DamagedError
    """
    try:
        if not place.is_file():  # a pipe would never end
            raise DamagedError("it is not a file")
        content = place.read_bytes()
    except OSError as error:
        raise DamagedError(f"it cannot be read ({error.strerror})") from None
    tensors = unpack(content, place.stem)
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
