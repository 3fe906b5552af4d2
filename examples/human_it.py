"""Which model explains human inferior temporal cortex? Noise ceiling, controls of chance, and paired tests.

    python examples/human_it.py FILE.npz [--session 1] [--method pearson] [--out human_it.png]

The file holds RDMs of several subjects and sessions, ``rdms`` (n_subjects, n_sessions, n_stimuli, n_stimuli) with
``subject`` and ``session``, and models, ``model_rdms`` (n_models, n_stimuli, n_stimuli) with ``model``: such as the 92
object images of Kriegeskorte et al. (Neuron 2008), which are distributed with rsatoolbox's demos.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from normenc import figures, rsa


def main() -> None:
    """Rank the models of the file on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--session", type=int, default=1)
    parser.add_argument("--method", choices=rsa.METHODS, default="pearson")
    parser.add_argument("--out", type=Path, default=Path("human_it.png"))
    options = parser.parse_args()

    with np.load(options.file) as file:
        data = file["rdms"][:, list(file["session"]).index(options.session)]
        models = dict(zip(file["model"].tolist(), file["model_rdms"], strict=True))
    found = rsa.infer(models, data, method=options.method)

    shown = ["model", "similarity", "low", "high", "p_permutations_holm", "p_ceiling_holm"]
    ranked = found.models.sort_values("similarity", ascending=False)
    print(ranked[shown].to_string(index=False, float_format="%.3f"))
    (low, high), (upper_low, upper_high) = found.ceiling_intervals
    print(
        f"noise ceiling ({found.ceiling.describe()}): {found.ceiling.lower:.3f} ({low:.3f} to {high:.3f}) lower, "
        f"{found.ceiling.upper:.3f} ({upper_low:.3f} to {upper_high:.3f}) upper; generalises over {found.sizes}"
    )
    better = found.pairs[found.pairs["p_fdr"] <= 0.05]
    print("\npairs that differ, false discovery rate 0.05:")
    print(
        better[["model", "other", "difference", "low", "high", "p", "p_fdr"]].to_string(
            index=False, float_format="%.3f"
        )
    )

    # The picture takes a table like a run's similarity.csv; models of others are of no kind that normenc knows.
    table = found.models.rename(columns={"model": "encoder"}).assign(
        recording=f"human IT, session {options.session}",
        kind=pd.NA,
        comparison=options.method,
        ceiling_lower=found.ceiling.lower,
        ceiling_upper=found.ceiling.upper,
    )
    axes = figures.similarity_bars(table, found.pairs)
    for path in figures.save(axes, options.out.parent, options.out.stem):
        print(path)


if __name__ == "__main__":
    main()
