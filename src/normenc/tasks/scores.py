"""Scores that several tasks share."""

import torch

__all__ = ["explained_variance"]


def explained_variance(outputs: torch.Tensor, targets: torch.Tensor) -> float:
    """Share of the targets' variance that the outputs explain: 1 is perfect, 0 as good as the mean target.

    Parameters
    ----------
    outputs, targets : Tensor, shape (n, ...)
        Targets that are NaN do not count.

    Examples
    --------
    >>> explained_variance(torch.tensor([[1.0], [3.0]]), torch.tensor([[1.0], [5.0]]))
    0.5
    """
    truth, told = targets.double(), outputs.double()
    left = (told - truth).square().nansum()
    return float(1 - left / (truth - truth.nanmean(dim=0)).square().nansum())
