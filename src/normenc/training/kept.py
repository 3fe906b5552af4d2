"""The state of a training in a file, so that one that was killed goes on from there."""

import io
import time
import warnings
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch import nn

from normenc.errors import InputError, NormencWarning
from normenc.texts import visible
from normenc.training.seeding import copied
from normenc.whole_files import check_writable, write_whole

__all__ = ["ENDING", "Kept", "fill", "filled", "values_of"]

ENDING = ".training"  # of the files' names: such a file may be replaced, and no other
EVERY = 30.0  # seconds between two states
MARK = 32  # bytes of a digest


class Kept:
    """The file of one training.

    Parameters
    ----------
    path : str or Path
        It ends with ``.training``.
    what : list
        All that decides the training, as texts, tensors or bytes.

    Raises
    ------
    InputError
        If the name ends otherwise, or no file can be written there.
    """

    def __init__(self, path: str | Path, what: list[Any]) -> None:
        self.path = Path(path)
        if self.path.suffix != ENDING:
            raise InputError(f"resume is {visible(str(path))!r}; give a file whose name ends with {ENDING}")
        check_writable(self.path.parent, "training cannot be kept here", "choose another file, or leave out resume")
        digest = sha256()
        for part in what:
            own = part.detach().cpu().contiguous().numpy().tobytes() if isinstance(part, torch.Tensor) else part
            digest.update(own if isinstance(own, bytes) else str(own).encode())
            digest.update(b"\0")
        self.mark = digest.digest()
        self.written = time.monotonic()

    def read(self) -> dict[str, Any] | None:
        """The state of this training, None if there is none; one that is damaged or of another is told and left."""
        try:
            content = self.path.read_bytes()
        except OSError:
            return None
        mark, digest, state = content[:MARK], content[MARK : 2 * MARK], content[2 * MARK :]
        if digest != sha256(mark + state).digest():
            self._tell("is damaged")
        elif mark != self.mark:
            self._tell("is of a training with other settings, stimuli or initial weights")
        else:
            found: dict[str, Any] = torch.load(io.BytesIO(state), weights_only=True)
            return found
        return None

    def _tell(self, what: str) -> None:
        warnings.warn(
            f"{visible(str(self.path))} {what}: training starts from the beginning", NormencWarning, stacklevel=2
        )

    @property
    def is_due(self) -> bool:
        """Whether the last state is old enough."""
        return time.monotonic() - self.written >= EVERY

    def write(self, state: Mapping[str, Any]) -> None:
        """Replace the file; where the disk is full, training goes on without."""
        whole = io.BytesIO()
        torch.save(dict(state), whole)
        digest = sha256(self.mark + whole.getvalue()).digest()
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, self.mark + digest + whole.getvalue())
        self.written = time.monotonic()

    def remove(self) -> None:
        """Remove the file of a training that has ended."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


def values_of(network: nn.Module) -> dict[str, torch.Tensor]:
    """Parameters and buffers by name."""
    return dict[str, torch.Tensor](network.named_parameters()) | dict(network.named_buffers())


def filled(like: nn.Module, values: Mapping[str, torch.Tensor]) -> nn.Module:
    """A copy of a network with these parameters and buffers, in evaluation mode."""
    network = copied(like).eval()
    fill(values_of(network), values)
    return network


def fill(own: Mapping[str, torch.Tensor], values: Mapping[str, torch.Tensor]) -> None:
    """Copy values into parameters and buffers of the same names."""
    with torch.no_grad():
        for name, value in values.items():
            own[name].copy_(value)
