"""Values of pairs of members, each with a part of its own and of either member, whose variances are known."""

import numpy as np


class PlantedPairs:
    """Pairs of `n` members; `truth` is the variance of the mean over all pairs."""

    def __init__(self, n, single, pair):
        self.n, self.single, self.pair = n, single, pair
        self.rows, self.columns = np.triu_indices(n, k=1)
        self.truth = 4 * single**2 / n + pair**2 / len(self.rows)

    def draw(self, rng):
        own, between = self.single * rng.normal(size=self.n), self.pair * rng.normal(size=len(self.rows))
        return own[self.rows] + own[self.columns] + between

    def means(self, values, weights):
        """Over the pairs of each sample, which has its members so many times."""
        pairs = weights[:, self.rows] * weights[:, self.columns]
        return pairs @ values / pairs.sum(axis=1)
