"""Folders of runs whose every number is written by hand."""

import csv
import json
from pathlib import Path

CEILING = {"ceiling": "neurons", "ceiling_lower": 0.8, "ceiling_lower_low": 0.7, "ceiling_upper": 0.9}
NO_CEILING = {"ceiling": "none", "ceiling_lower": "", "ceiling_lower_low": "", "ceiling_upper": ""}
STUDY = """name = {name}

[recording]
source = {source}

[task]
name = "tilt-discrimination"
n_train = {n_train}

[network]
name = "ConvPoolFC"

[training]
seed = 12

[comparison]
method = "{method}"
"""
# similarity, p of chance, p of the ceiling
VALUES = {
    "pool": (0.6, 0.01, 0.02),
    "fc": (0.4, 0.2, 0.01),
    "pool, untrained": (0.5, 0.2, 0.01),
    "fc, untrained": (0.3, 0.3, 0.01),
    "pixels": (0.7, 0.01, 0.2),
}
# difference, Holm-corrected p
DIFFERENCES = {
    ("pool", "pool, untrained"): (0.1, 0.02),
    ("pool", "pixels"): (-0.1, 0.3),
    ("fc", "fc, untrained"): (0.1, 0.4),
    ("fc", "pixels"): (-0.3, 0.01),
}


def write_run(
    folder: Path,
    *,
    name: str = "mine",
    recording: str = "V1",
    task: str = "tilt-discrimination",
    model: str = "CNN",
    values: dict | None = None,
    differences: dict | None = None,
    ceiling: dict | None = None,
    method: str = "pearson",
    n_train: int = 1000,
    simulated: bool = False,
    sha256: str | None = "a" * 64,
    by_seed: dict | None = None,
    resampled: str = "stimuli seeds",
    quality: dict | None = None,
    predictivity: list | None = None,
) -> Path:
    """Write a run: encoders called ``X`` are trained layers, ``X, untrained`` their twins, ``pixels…`` controls."""
    folder.mkdir(parents=True)
    values = VALUES if values is None else values
    head = {"rdm_metric": "correlation", "comparison": method, "resampled": resampled}
    rows = []
    for encoder, (similarity, p_permutations, p_ceiling) in values.items():
        known = similarity != ""
        interval = {"low": similarity - 0.1 if known else "", "high": similarity + 0.1 if known else ""}
        tests = {
            "p_permutations_holm": p_permutations,
            "p_shifts_holm": "",
            "p_ceiling_holm": p_ceiling if ceiling != NO_CEILING else "",
        }
        rows.append(
            {"recording": recording, **named(encoder, task, model), "n_seeds": 1, "similarity": similarity}
            | interval
            | tests
            | head
            | (ceiling or CEILING)
        )
    write_table(folder / "similarity.csv", rows)
    seeds = by_seed or {encoder: [value[0]] for encoder, value in values.items()}
    write_table(
        folder / "similarity_by_seed.csv",
        [
            {"recording": recording, **named(encoder, task, model), "similarity": value}
            for encoder, own in seeds.items()
            for value in own
        ],
    )
    found = DIFFERENCES if differences is None else differences
    found = {pair: own for pair, own in found.items() if set(pair) <= set(values)}
    write_table(
        folder / "differences.csv",
        [
            {"recording": recording, **named(one, task, model), "other": other}
            | {f"other_{name}": own for name, own in named(other, task, model).items() if name != "encoder"}
            | {"difference": difference, "low": difference - 0.05, "high": difference + 0.05, "p_holm": p}
            for (one, other), (difference, p) in found.items()
        ],
    )
    text = STUDY.format(name=json.dumps(name), source=json.dumps(recording), n_train=n_train, method=method)
    (folder / "study.toml").write_text(text, encoding="utf-8")
    described = {"name": recording, "simulated": simulated, "n_stimuli": 12, "n_neurons": 30, "sha256": sha256}
    environment = {"normenc": "0.1.0", "format": 3, "finished": "2026-01-02T03:04:05+00:00", "device": "cpu"}
    environment |= {"seeds": {"training": [12]}, "recording": described, "inference": {"ceiling": "halves"}}
    (folder / "environment.json").write_text(json.dumps(environment), encoding="utf-8")
    if quality is not None:
        (folder / "quality.json").write_text(json.dumps(quality), encoding="utf-8")
    if predictivity is not None:
        write_table(folder / "predictivity.csv", predictivity)
    return folder


def named(encoder: str, task: str, model: str) -> dict:
    if encoder.startswith("pixels"):
        own = {"task": "", "network": encoder, "layer": "pixels", "kind": "control", "seed": ""}
    else:
        layer, _, untrained = encoder.partition(", ")
        own = {"task": "" if untrained else task, "network": model, "layer": layer}
        own |= {"kind": "untrained twin" if untrained else "trained layer", "seed": 12}
    return {"encoder": encoder, **own}


COMPETENCE = ("score", "score_name", "chance", "perfect", "learned", "n_learned")


def as_format_1(folder: Path) -> Path:
    """Give the tables of a run the columns that they had in format 1."""
    for path in folder.glob("*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        write_table(path, [with_one_test(in_format_1(row, path.name)) for row in rows])
    environment = json.loads((folder / "environment.json").read_text(encoding="utf-8"))
    del environment["format"]
    for score in environment.get("scores", []):
        score["model"] = score.pop("network")
        for name in ("perfect", "learned_at", "learned"):
            score.pop(name, None)
    (folder / "environment.json").write_text(json.dumps(environment), encoding="utf-8")
    return folder


def in_format_1(row: dict, name: str) -> dict:
    who = {key: row[key] for key in ("task", "network", "layer", "seed") if key in row}
    newer = (*who, "encoder", "kind", *COMPETENCE)
    rest = {key: value for key, value in row.items() if key not in newer and "other" not in key}
    if name == "differences.csv":
        kind = "layer" if row["other_kind"] == "trained layer" else row["other_kind"]
        return {"recording": rest.pop("recording"), "model": row["encoder"], "other": row["other"], "kind": kind} | rest
    if name in ("tuning.csv", "tuning_units.csv", "fitting.csv"):
        return rest
    who["model"] = who.pop("network")
    if name in ("training.csv", "over_training.csv"):
        who.pop("seed" if name == "over_training.csv" else "layer", None)
        return who | rest
    old = who | {"trained": row["kind"] in ("trained layer", "fitted to the neurons")} | rest
    if name == "similarity_by_seed.csv":
        return old
    return old | {"label": row["encoder"]} | ({"kind": row["kind"]} if name == "predictivity.csv" else {})


def with_one_test(row: dict) -> dict:
    """A row with one test against chance, as it had up to format 2."""
    if not any(key.startswith("p_permutations") for key in row):
        return row
    old = {key.replace("p_permutations", "p_chance"): own for key, own in row.items() if not key.startswith("p_shifts")}
    return old | {"chance": "label permutations"}


def write_table(path: Path, rows: list[dict]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
