"""Variance of noise ceilings, where draws do not tell on how many trials its parts depend."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from normenc.rsa.resampling import total_variance

__all__ = ["ceiling_variance"]

Floats = npt.NDArray[np.float64]
TRIALS = "trials"


def ceiling_variance(
    variances: Floats, inflations: Sequence[Mapping[str, Sequence[float]]], sizes: Mapping[str, float], noise: Floats
) -> tuple[Floats, Floats]:
    """Total variance of ceilings, and degrees of freedom, as :func:`normenc.rsa.resampling.total_variance` gives them.

    Ceilings from halves of the trials depend on one to four trials at once: noise of an RDM is that of one stimulus, or
    a product of the noise of two, and the similarity of halves multiplies two RDMs. Draws of two strengths do not tell
    these apart, and solutions jump from all to none. So where no neurons are drawn beside, which would tell more, what
    depends on trials is the mean of what it is if all of it depends on single ones, and if all of it depends on two.

    Parameters
    ----------
    variances, inflations, sizes, noise
        See :func:`normenc.rsa.resampling.total_variance`.

    Examples
    --------
    >>> variance, _ = ceiling_variance(np.array([0.6]), [{"trials": (0.2, 0.5)}], {"trials": 31.0}, np.zeros((1, 1)))
    >>> round(float(variance), 9)  # the mean of 0.6 / 0.2 and 0.6 / 0.5
    2.1
    """
    if TRIALS not in sizes or "neurons" in sizes:
        return total_variance(variances, inflations, sizes, noise)
    found = [
        total_variance(
            variances,
            [{f: [values[order]] if f == TRIALS else values for f, values in own.items()} for own in inflations],
            sizes,
            noise,
        )
        for order in (0, 1)
    ]
    return np.mean([total for total, _ in found], axis=0), np.min([dof for _, dof in found], axis=0)
