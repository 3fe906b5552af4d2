"""What commands found, for programs: the objects that ``--json`` prints. Keys stay as they are; others may be added."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from normenc.cli.shared_options import Found

__all__ = ["of_all", "of_design", "of_earlier_run", "of_estimate", "of_identification", "of_power", "of_run", "of_runs"]

NUMBERS = ("encoder", "kind", "layer", "similarity", "low", "high", "p_permutations_holm")


def of_all(several: Sequence[Found]) -> Found:
    """Several together: one alone is an object, several are a list."""

    def values() -> Any:
        each = [found.told() for found in several]
        return each[0] if len(each) == 1 else each

    return Found(values, all(found.holds for found in several))


def of_run(finished: Any) -> Found:
    """What a run found; it does not hold where a network could not be trained, or a layer not be compared."""
    failures = [failure.describe() for failure in finished.evaluation.failures]
    return Found(lambda: about_run(finished.folder) | {"failures": failures}, not failures)


def of_earlier_run(folder: Path) -> Found:
    """What a run found that had been finished before."""
    return Found(lambda: about_run(folder) | {"already_run": True})


def of_runs(folders: Sequence[Path], page: Path) -> Found:
    """What is on the page that compares runs."""
    return Found(lambda: {"page": page, "runs": [about_run(folder) for folder in folders]})


def about_run(folder: Path, design: Path | None = None) -> dict[str, Any]:
    """Where a run is, its answer in sentences, with a design where one is given, and its key numbers."""
    from normenc.report.answering import answer_of
    from normenc.report.stages import stages_of
    from normenc.runs import Run
    from normenc.runs.schema import REPORT

    run = Run.open(folder)
    table = run.similarity
    ends = {"ceiling_low": "ceiling_lower", "ceiling_high": "ceiling_upper"}
    ceiling = {name: table[column].iloc[0] if column in table else None for name, column in ends.items()}
    return {
        "folder": folder,
        "report": folder / REPORT if (folder / REPORT).is_file() else None,
        "study": run.settings["name"],
        "recording": run.recording["name"],
        "quick": bool(run.settings.get("quick")),
        "stages": stages_of(run.settings),
        "answer": answer_of(run, design) if "stimuli" in run.recording else None,  # which the first runs did not tell
        "measure": table["comparison"].iloc[0],
        **ceiling,
        "similarity": table[[name for name in NUMBERS if name in table]].to_dict("records"),
    }


def of_estimate(estimate: Any) -> Found:
    """What a study will take, in seconds and bytes."""
    return Found(
        {
            "seconds": estimate.seconds,
            "memory": estimate.memory,
            "workers": estimate.workers,
            "disk": [{"place": place, "what": what, "bytes": size} for place, what, size in estimate.disk],
            "networks": estimate.table.to_dict("records"),
        }
    )


def of_power(power: Any) -> Found:
    """How often the correct model is found, for each amount of data, and the weakest pair."""
    return Found(
        {
            "folder": power.folder,
            "recovery": power.recovery.to_dict("records"),
            "weakest": power.weakest.reset_index(drop=True).to_dict("records"),
            "same": power.same,
            "noise_from": power.noise_from,
            "notes": power.notes,
            **_left_out(power),
        }
    )


def of_identification(own: Any) -> Found:
    """How often each measure names the true candidate."""
    return Found({"folder": own.folder, "first": own.first, "rates": own.rates.to_dict("records"), **_left_out(own)})


def of_design(design: Any) -> Found:
    """How often the correct candidate would be identified with the chosen stimuli, and with others."""
    rates = design.predicted.to_dict("records")
    known = {"noise_from": design.noise_from, "notes": design.notes}
    return Found({"folder": design.folder, "worst": design.worst, "rates": rates, "left_out": design.left_out, **known})


def _left_out(found: Any) -> dict[str, Any]:
    return {"failures": [failure.describe() for failure in found.failures], "skipped": found.skipped}
