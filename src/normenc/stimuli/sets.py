"""Random stimuli: the images and their parameters."""

from dataclasses import dataclass

import pandas as pd
import torch

from normenc.errors import InputError
from normenc.showing import Listed

__all__ = ["StimulusSet"]


@dataclass(frozen=True, repr=False)
class StimulusSet(Listed):
    """Images with the table of their parameters.

    Attributes
    ----------
    images : Tensor, shape (n, height, width) or, in colour, (n, 3, height, width)
        float32, 0 (black) to 1 (white).
    parameters : DataFrame, n rows
        One column per parameter, in the units given by its name or its function.

    Raises
    ------
    InputError
        If there is not one row per image.

    Examples
    --------
    >>> drawn = StimulusSet(torch.zeros(2, 3, 4), pd.DataFrame({"orientation": [0.0, 90.0]}))
    >>> len(drawn), drawn[1:].parameters["orientation"].tolist()
    (2, [90.0])
    """

    images: torch.Tensor
    parameters: pd.DataFrame

    def __post_init__(self) -> None:
        shape = tuple(self.images.shape)
        are_images = len(shape) == 3 or (len(shape) == 4 and shape[1] == 3)
        if not are_images or shape[0] != len(self.parameters):
            raise InputError(
                f"images have shape {shape} and the table has {len(self.parameters)} rows; images must have shape "
                "(n, height, width) or (n, 3, height, width), with one row each"
            )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, rows: slice) -> "StimulusSet":
        """A subset of the stimuli, renumbered."""
        return StimulusSet(self.images[rows], self.parameters.iloc[rows].reset_index(drop=True))
