"""Compare normenc.rsa with rsatoolbox 0.3.2, alternating in one run, and print the ratios.

Run with ``python benchmarks/rsa.py [--only bootstrap]``, or ``make bench``. A thousand bootstrap samples take
rsatoolbox minutes: it does 50 a round, and its time is multiplied by 20. The last rows are memory that a call allocates
at its peak.
"""

import argparse
import contextlib
import io
import statistics
import sys
import time
import tracemalloc
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
from rich.console import Console
from rich.table import Table
from rsatoolbox.data import Dataset
from rsatoolbox.inference import eval_bootstrap
from rsatoolbox.model import ModelFixed
from rsatoolbox.rdm import RDMs, calc_rdm, compare
from rsatoolbox.rdm.rdms import permute_rdms

from normenc import rsa
from normenc.rsa.resampling import draw_counts
from normenc.rsa.weighted import similarities

warnings.simplefilter("ignore")
NAMES = {"pearson": "corr", "spearman": "spearman", "kendall-tau-a": "tau-a", "whitened-correlation": "corr_cov"}
Work = tuple[str, int, float, Callable[[], object], Callable[[], object], float]


def large_rdm() -> Work:
    responses = np.random.default_rng(0).normal(size=(4000, 20_000)).astype(np.float32)
    plain = lambda: responses @ responses.T  # noqa: E731
    return "RDM 4000 x 20,000 float32, against BLAS z @ z.T", 3, 1.0, lambda: rsa.rdm(responses), plain, 1.0


def crossnobis() -> Work:
    repeats = np.random.default_rng(0).normal(size=(4, 180, 8000))
    labels = {
        "stimulus": [f"s{k:03}" for k in np.tile(np.arange(180), 4)],
        "run": [f"r{k}" for k in np.repeat(np.arange(4), 180)],
    }
    dataset = Dataset(repeats.reshape(-1, 8000), obs_descriptors=labels)
    return (
        "crossnobis, 180 stimuli x 4 runs x 8,000 neurons",
        2,
        1.0,
        lambda: rsa.cross_validated_rdm(repeats),
        lambda: calc_rdm(dataset, "crossnobis", descriptor="stimulus", cv_descriptor="run"),
        1.0,
    )


def bootstrap(method: str) -> Work:
    rng = np.random.default_rng(0)
    n_pairs, theirs = 92 * 91 // 2, 50
    data, models = rng.random((12, n_pairs)), rng.random((8, n_pairs))
    rdms = RDMs(data, rdm_descriptors={"index": np.arange(12)})
    fixed = [ModelFixed(str(k), RDMs(m[None])) for k, m in enumerate(models)]

    def ours() -> object:
        stimuli, animals = draw_counts(92, 1000, rng), draw_counts(12, 1000, rng)
        return similarities(models, data, stimuli, method, rdm_counts=animals, subject=np.arange(12))

    def peer() -> None:
        with contextlib.redirect_stderr(io.StringIO()):
            eval_bootstrap(fixed, rdms, method=NAMES[method], N=theirs)

    title = (
        f"two-factor bootstrap with ceiling, 92 conditions, 8 models, 12 RDMs, 1000 samples, {method} (peer: 50, x 20)"
    )
    return title, 2, 1.0, ours, peer, 1000 / theirs


def permutations() -> Work:
    rng = np.random.default_rng(0)
    data, model = (rsa.rdm(rng.normal(size=(92, 20))) for _ in range(2))
    theirs, other = RDMs(data[None]), RDMs(model[None])
    orders = rng.permuted(np.tile(np.arange(92), (1000, 1)), axis=1)

    def peer() -> None:
        for order in orders:
            compare(other, permute_rdms(theirs, order), method="corr")

    return (
        "1000 label permutations, 92 conditions",
        5,
        1.0,
        lambda: rsa.permuted_similarities(model, data, orders),
        peer,
        1.0,
    )


def many_against_one(method: str) -> Work:
    rng = np.random.default_rng(0)
    many, one = rng.random((1000, 180 * 179 // 2)), rng.random((1, 180 * 179 // 2))
    theirs, single = RDMs(many), RDMs(one)
    return (
        f"1000 RDMs against 1, 180 stimuli, {method}",
        5,
        1.0,
        lambda: rsa.compare_vectors(many, one, method),
        lambda: compare(theirs, single, method=NAMES[method]),
        1.0,
    )


def alternate(work: Work) -> tuple[float, float, float]:
    """Median seconds of ours and of the peer, and median ratio, after one round that does not count."""
    _, repeats, own_times, ours, peer, their_times = work
    pairs = []
    for round_ in range(repeats + 1):
        seconds = []
        for call, times in ((ours, own_times), (peer, their_times)):
            start = time.perf_counter()
            call()
            seconds.append((time.perf_counter() - start) * times)
        if round_:
            pairs.append(seconds)
    own, others = (statistics.median(column) for column in zip(*pairs, strict=True))
    return own, others, statistics.median(b / a for a, b in pairs)


def crossnobis_memory() -> object:
    repeats = np.random.default_rng(0).normal(size=(4, 180, 23_589)).astype(np.float32)
    return memory(lambda: rsa.cross_validated_rdm(repeats))


def bootstrap_memory() -> object:
    rng = np.random.default_rng(0)
    models, data = rng.random((8, 4186)), rng.random((12, 4186))
    stimuli, animals = draw_counts(92, 20_000, rng), draw_counts(12, 20_000, rng)
    return memory(lambda: similarities(models, data, stimuli, "pearson", rdm_counts=animals, subject=np.arange(12)))


def memory(call: Callable[[], object]) -> float:
    """Peak MiB that the call allocates."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="work whose name holds this, such as bootstrap, and no memory")
    only = parser.parse_args().only
    table = Table(
        "work", "normenc", "peer", "peer / normenc", title="Against rsatoolbox 0.3.2, one run, alternating, medians"
    )
    builders: dict[str, Callable[[], Work]] = {
        "rdm": large_rdm,
        "crossnobis": crossnobis,
        **{f"bootstrap {m}": partial(bootstrap, m) for m in ("pearson", "spearman", "whitened-correlation")},
        "permutations": permutations,
        **{f"many {m}": partial(many_against_one, m) for m in ("pearson", "spearman", "kendall-tau-a")},
    }
    for build in (build for name, build in builders.items() if only in name):
        work = build()
        own, peer, ratio = alternate(work)
        table.add_row(work[0], f"{own * 1e3:,.0f} ms", f"{peer * 1e3:,.0f} ms", f"{ratio:.2f}")
    for title, function in (
        ("memory: crossnobis, 180 x 4 x 23,589 float32", crossnobis_memory),
        ("memory: bootstrap, 20,000 samples, pearson", bootstrap_memory),
    ):
        if not only:
            table.add_row(title, f"{function():,.0f} MiB", "", "")
    print(f"Python {sys.version.split()[0]}, NumPy {np.__version__}")
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
