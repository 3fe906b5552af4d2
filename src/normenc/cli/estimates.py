"""Print what a study will take."""

from typing import Any

import typer

from normenc.cli.printing import print_table
from normenc.cli.terminal import echo
from normenc.texts import visible

__all__ = ["print_estimate"]


def print_estimate(estimate: Any) -> None:
    """Print what a study will take."""
    from normenc.study.readiness import told_size

    columns = ("task", "network", "units", "stored", "layers", "images", "epochs", "a unit", "all", "memory")
    rows = [
        (
            *(str(row[name]) for name in ("task", "network", "n_units", "n_stored", "n_layers")),
            f"{row['n_images']:,}",
            str(row["n_epochs"]),
            *(_duration(row[name]) for name in ("unit_seconds", "seconds")),
            "–" if row["memory"] != row["memory"] else told_size(row["memory"]),
        )
        for row in estimate.table.to_dict("records")
    ]
    if rows:
        print_table(columns, rows)
    for row in estimate.table[estimate.table["fault"] != ""].itertuples():
        echo(f"normenc: {row.task}, {row.network}: {row.fault}", err=True, fg=typer.colors.YELLOW)
    echo(
        f"{estimate.n_rdms} RDMs of {estimate.n_stimuli:,} stimuli are compared; images are those of an epoch.",
        wrapped=True,
    )
    for place, what, size in estimate.disk:
        echo(f"{what}: at least {told_size(size)} in {visible(str(place))}")
    processes = f"{estimate.workers} processes" if estimate.workers > 1 else "one process"
    compared = f"{_duration(estimate.inference_seconds)} to compare"
    said = f"nothing to train, and {compared}"
    if estimate.memory:
        said = (
            f"{_duration(estimate.seconds - estimate.inference_seconds)} to train in {processes}, with "
            f"{told_size(estimate.memory)} of memory beside the programs themselves, and {compared}"
        )
    echo(f"Estimated from a few timed steps on this machine: {said}.", wrapped=True)
    echo(
        "Tuning, simulated recordings, predictions of neurons and pictures come on top; other work makes it slower.",
        wrapped=True,
    )


def _duration(seconds: float) -> str:
    """A duration with two digits, which is as well as it is known.

    Examples
    --------
    >>> _duration(7.234), _duration(400.0), _duration(20000.0), _duration(float("nan"))
    ('7.2 s', '6.7 min', '5.6 h', '–')
    """
    if seconds != seconds:
        return "–"
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}" if seconds < 10 * size else f"{seconds / size:,.0f} {unit}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
