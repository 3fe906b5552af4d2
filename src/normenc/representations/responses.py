"""Responses of one layer, in memory or on disk, read in blocks of units."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc.representations.panels import Stored
from normenc.representations.scratch import Scratch
from normenc.showing import Shown, facts, in_short
from normenc.texts import visible

__all__ = ["Extracted", "LayerResponses"]


class LayerResponses(Shown):
    """One layer's responses to all stimuli, which may be larger than memory.

    :func:`normenc.rsa.rdm` takes it as it is, and reads it block by block.

    Attributes
    ----------
    name : str
        The layer as it was asked for.
    shape : tuple
        (n_stimuli, n_units).
    dtype : dtype
        float32, or float64 for layers that give this or whole numbers.
    note : str
        What was done to the layer, and how much it changes; empty where all units are as they come.
    on_disk : bool
        Whether the responses are in a file, which :meth:`values` reads.

    Examples
    --------
    >>> from normenc import networks, rsa, stimuli
    >>> from normenc.representations import extract
    >>> pool = extract(networks.ConvPoolFC(), stimuli.gratings([-45, 0, 45]), ["pool"])["pool"]
    >>> pool
    <LayerResponses 'pool': 3 stimuli x 288 units, float32, in memory>
    >>> pool.values().shape, [block.shape for block in pool.blocks()], rsa.rdm(pool).shape
    ((3, 288), [(3, 288)], (3, 3))
    """

    def __init__(self, name: str, stored: Stored, note: str = "", scratch: Scratch | None = None) -> None:
        self.name, self.note = name, note
        self.shape, self.dtype = stored.shape, stored.dtype
        self._stored, self._scratch = stored, scratch

    @property
    def on_disk(self) -> bool:
        """Whether the responses are in a file."""
        return self._scratch is not None

    def values(self) -> npt.NDArray[Any]:
        """All responses, shape (n_stimuli, n_units); those on disk are read, and must fit in memory.

        Raises
        ------
        InputError
            If the file was removed, because what :func:`extract` returned was closed.
        """
        self._check_open()
        return self._stored.values()

    def blocks(self) -> Iterator[npt.NDArray[Any]]:
        """Responses to all stimuli, some units at a time: arrays of shape (n_stimuli, n_block_units), in order."""
        self._check_open()
        yield from self._stored.blocks()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        values = self.values()
        return np.array(values, dtype) if copy else np.asarray(values, dtype)

    def __len__(self) -> int:
        return self.shape[0]

    def summary(self) -> pd.DataFrame:
        """Shape, type and place of the responses: names are the index, values the column ``value``."""
        n_stimuli, n_units = self.shape
        own = [("stimuli", n_stimuli), ("units", n_units), ("type", str(self.dtype)), ("kept", self._where)]
        return facts([*own, *([("note", self.note)] if self.note else [])])

    def __repr__(self) -> str:
        return f"<LayerResponses {self.name!r}: {visible(self._held())}>"

    def _title(self) -> str:
        return f"{self.name}: {self._held()}"

    def _held(self) -> str:
        note = f"; {self.note}" if self.note else ""
        n_stimuli, n_units = self.shape
        return f"{n_stimuli:,} stimuli x {n_units:,} units, {self.dtype}, {self._where}{note}"

    @property
    def _where(self) -> str:
        return "on disk" if self.on_disk else "in memory"

    def _check_open(self) -> None:
        if self._scratch is not None:
            self._scratch.check_open(self.name)


class Extracted(Shown, dict[str, LayerResponses]):
    """Layers by name, in the requested order; the files of those on disk are removed by :meth:`close`.

    They are also removed at the end of a ``with`` block, and when nothing refers to any of the layers any more.

    Examples
    --------
    >>> from normenc import networks, stimuli
    >>> from normenc.representations import extract
    >>> with extract(networks.ConvPoolFC(), stimuli.gratings([-45, 0, 45])) as layers:
    ...     list(layers)
    ['conv', 'pool', 'fc', 'fc_relu', 'out']
    """

    def __init__(self, layers: Mapping[str, LayerResponses], scratch: Scratch | None) -> None:
        super().__init__(layers)
        self._scratch = scratch

    def close(self) -> None:
        """Remove the files; layers on disk can then no longer be read."""
        if self._scratch is not None:
            self._scratch.remove()

    def summary(self) -> pd.DataFrame:
        """One row per layer: ``units``, ``type``, where they are ``kept``, and a ``note`` where there is one."""
        rows = [own.summary()["value"].drop("stimuli") for own in self.values()]
        index = pd.Index(self, name="layer", dtype=object)
        return pd.DataFrame([row.to_dict() for row in rows], index=index).dropna(axis="columns", how="all")

    def _title(self) -> str:
        n_stimuli = next((len(own) for own in self.values()), 0)
        return f"{len(self)} layers, {n_stimuli:,} stimuli; {in_short(list(self))}"

    def __enter__(self) -> "Extracted":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
