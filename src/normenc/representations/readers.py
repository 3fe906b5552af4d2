"""Layers of an encoder, tried with few images and then read batch by batch."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy.typing as npt
import torch

from normenc.arrays import as_array
from normenc.errors import InputError, quoted
from normenc.representations.memory import peak_bytes
from normenc.representations.probing import N_PROBES, SWAPPED, Fingerprints, check_alone, check_chance, probe_images

__all__ = ["CallableReader", "LayerReader", "TakeRows"]

TakeRows = Callable[[str, npt.NDArray[Any]], None]  # is given a layer's name and its rows, which it copies at once
Outputs = dict[str, npt.NDArray[Any]]


class LayerReader(ABC):
    """Layers of an encoder that give one row per image.

    Attributes
    ----------
    sizes : dict of str to int
        Number of units of each layer, in the requested order.
    dtypes : dict of str to dtype
        Of the values that each layer gives.
    peak : float
        Bytes that tensors take at once while the encoder processes an image, if this was measured; else 0.
    """

    peak = 0.0

    def __init__(self, rows: Mapping[str, npt.NDArray[Any]], fingerprints: Fingerprints) -> None:
        self.sizes = {name: values.shape[1] for name, values in rows.items()}
        self.dtypes = {name: values.dtype for name, values in rows.items()}
        self._fingerprints = fingerprints

    @property
    def device(self) -> torch.device:
        """Where the encoder computes."""
        return torch.device("cpu")

    @property
    def few(self) -> dict[str, npt.NDArray[Any]]:
        """What each layer gives for the few images with which it was tried, of up to 10,000 of its units."""
        return self._fingerprints.rows

    def read(self, start: int, batch: torch.Tensor, take: TakeRows) -> None:
        """Give every layer's rows for a batch, which starts with image `start`, to `take`.

        Raises
        ------
        InputError
            If a layer does not give one row per image, of as many units as for few images.
        """

        def take_rows(name: str, rows: npt.NDArray[Any]) -> None:
            rows = rows[: len(batch)]
            self._fingerprints.note(name, start, rows)
            take(name, rows)

        self.show(batch, take_rows)

    def check(self) -> None:
        """Raise InputError if an image had other values in its batch than among few."""
        self._fingerprints.check()

    def _measured(self, show: Callable[[], None], measure: bool) -> None:
        """Show the few images, and measure what they take if this is asked for."""
        if measure:
            self.peak = peak_bytes(show) / N_PROBES
        else:
            show()

    @abstractmethod
    def show(self, batch: torch.Tensor, take: TakeRows) -> None:
        """Give every layer's rows to `take`; a single image may come twice."""


class CallableReader(LayerReader):
    """Layers of a callable that maps images to ``{layer: stimulus x unit}``."""

    def __init__(
        self,
        encoder: Callable[[torch.Tensor], Mapping[str, Any]],
        images: Any,
        layers: Sequence[str] | None,
        measure: bool = False,
    ) -> None:
        self._encoder, self._layers = encoder, layers
        places, few = probe_images(images)
        once, again = self._outputs(few), {}
        self._measured(lambda: again.update(self._outputs(few)), measure)
        swapped = self._outputs(few[SWAPPED])
        super().__init__(once, Fingerprints(places, once))
        for probe in (again, swapped):
            self._check_layers(probe)
        for name, rows in once.items():
            check_chance(name, rows, again[name])
            check_alone(name, rows[SWAPPED], swapped[name])

    def show(self, batch: torch.Tensor, take: TakeRows) -> None:
        """Give every layer's rows to `take`."""
        outputs = self._outputs(batch)
        self._check_layers(outputs)
        for name in self.sizes:
            take(name, outputs[name])

    def _outputs(self, batch: torch.Tensor) -> Outputs:
        outputs = self._encoder(batch.clone())
        if not isinstance(outputs, Mapping) or not outputs:
            given = f"a {type(outputs).__name__}" if outputs is not None else "None"
            given = "no layer" if isinstance(outputs, Mapping) else given
            raise InputError(f"an encoder must return {{layer: stimulus x unit}}, with at least one layer; got {given}")
        for name in outputs:
            if not isinstance(name, str):
                raise InputError(f"an encoder returns a layer called {quoted(name)}; names of layers must be texts")
        for name in self._layers or []:
            if name not in outputs:
                raise InputError(f"there is no layer {name!r}; the layers are {', '.join(map(str, outputs))}")
        wanted = outputs if self._layers is None else self._layers
        return {name: _rows(outputs[name], len(batch), name) for name in wanted}

    def _check_layers(self, outputs: Outputs) -> None:
        """Raise InputError unless a batch has the same layers, of the same units, as the first."""
        for name in {**self.sizes, **outputs}:
            sizes = [self.sizes.get(name), outputs[name].shape[1] if name in outputs else None]
            if sizes[0] != sizes[1]:
                told = [f"{size} units" if size is not None else "no such layer" for size in sizes]
                raise InputError(f"layer {name!r} differs between batches: {told[0]}, and {told[1]}")


def _rows(output: Any, n: int, name: str) -> npt.NDArray[Any]:
    array = as_array(output, f"the output of layer {name!r}") if not isinstance(output, tuple | list | dict) else None
    if array is None or array.ndim < 1 or len(array) != n:
        given = type(output).__name__ if array is None else f"shape {array.shape}"
        raise InputError(f"layer {name!r} gives {given} for {n} images; it must give one row per stimulus")
    return array.reshape(n, -1).copy()  # of an array that the encoder may fill again
