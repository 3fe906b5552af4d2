"""The identity of an encoder, from which its names in tables, figures and files follow.

An identity is never parsed from a name: tables have columns for it (:mod:`normenc.csv_tables`).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from normenc.texts import file_stem, own_stem

__all__ = ["LEARNED", "SUFFIXES", "EncoderId", "EncoderKind", "Naming"]


class EncoderKind(StrEnum):
    """The kind of an encoder. Tables show these values.

    Examples
    --------
    >>> EncoderKind("untrained twin") is EncoderKind.TWIN, str(EncoderKind.CONTROL)
    (True, 'control')
    """

    TRAINED = "trained layer"
    TWIN = "untrained twin"  # the same layer of the same network before training
    CONTROL = "control"  # never trained
    PRETRAINED = "pretrained layer"  # from a network trained by others
    FITTED = "fitted to the neurons"

    @property
    def is_learned(self) -> bool:
        """Whether its weights were learned, and not from the neurons: it has an untrained twin."""
        return self in LEARNED


LEARNED = (EncoderKind.TRAINED, EncoderKind.PRETRAINED)  # what a study asks about


SUFFIXES = {EncoderKind.TWIN: ", untrained", EncoderKind.PRETRAINED: ", pretrained"}  # of labels
STATES = {EncoderKind.TRAINED: "trained", EncoderKind.TWIN: "untrained", EncoderKind.PRETRAINED: "pretrained"}


@dataclass(frozen=True)
class EncoderId:
    """The identity of an encoder.

    Attributes
    ----------
    task : str or None
        Label of the task that it was trained on; None if it was not trained.
    network : str
        Label of the network; the name of a control or of a network fitted to neurons.
    layer : str or None
        None for a whole network.
    kind : EncoderKind
    seed : int or None
        Seed of training, or of the initial weights of an untrained twin; None if nothing depends on a seed, or if the
        identity stands for all seeds.

    Examples
    --------
    >>> layer = EncoderId("tilt", "FC", "fc", EncoderKind.TRAINED, 12)
    >>> layer.bar_name, layer.twin.bar_name, layer.encoder_name, layer.twin.encoder_name
    ('FC fc', 'FC fc, untrained', 'tilt: FC', 'FC')
    >>> EncoderId(None, "pixels", "pixels", EncoderKind.CONTROL).bar_name
    'pixels'
    """

    task: str | None
    network: str
    layer: str | None
    kind: EncoderKind
    seed: int | None = None

    @property
    def is_named(self) -> bool:
        """Whether its name is its own, not that of its layer, as for controls and networks fitted to neurons."""
        return self.kind in (EncoderKind.CONTROL, EncoderKind.FITTED)

    @property
    def twin(self) -> "EncoderId":
        """The untrained twin of a trained or pretrained layer."""
        return EncoderId(None, self.network, self.layer, EncoderKind.TWIN, self.seed)

    @property
    def of_all_seeds(self) -> "EncoderId":
        """The identity without its seed."""
        return EncoderId(self.task, self.network, self.layer, self.kind)

    @property
    def encoder_name(self) -> str:
        """The name of the layer's network, with its task: a row of the leaderboard."""
        return self.network if self.task is None else f"{self.task}: {self.network}"

    @property
    def bar_name(self) -> str:
        """The label of its bar, if there is a single task."""
        return Naming(with_network=True).label(EncoderId(None, self.network, self.layer, self.kind))


@dataclass(frozen=True)
class Naming:
    """Names of the encoders of a study, or of several runs, that distinguish them.

    Attributes
    ----------
    with_task, with_network : bool
        Whether there are several tasks, and several networks.
    layered : frozenset of str
        Names of controls that have several layers.

    Examples
    --------
    >>> layer = EncoderId("tilt", "FC", "fc", EncoderKind.TRAINED, 12)
    >>> Naming().label(layer), Naming().label(layer.twin), Naming(with_task=True).label(layer)
    ('fc', 'fc, untrained', 'tilt FC fc')
    >>> Naming().key(layer), Naming(with_task=True).key(layer), Naming().file_stem(layer.twin)
    ('FC_fc_trained_seed12', 'tilt_FC_fc_trained_seed12', 'FC_seed12_untrained')
    """

    with_task: bool = False
    with_network: bool = False
    layered: frozenset[str] = frozenset()

    @classmethod
    def of(cls, encoders: Iterable[EncoderId]) -> "Naming":
        """The naming that distinguishes these encoders."""
        distinct = set(encoders)
        layers = Counter(name for name, _ in {(e.network, e.layer) for e in distinct if e.is_named})
        return cls(
            len({e.task for e in distinct if e.kind is EncoderKind.TRAINED}) > 1,
            len({e.network for e in distinct if not e.is_named}) > 1,
            frozenset(name for name, n in layers.items() if n > 1),
        )

    def label(self, encoder: EncoderId) -> str:
        """The name in tables, figures and comparisons, shared by all seeds."""
        if encoder.is_named:
            parts = [encoder.network, encoder.layer if encoder.network in self.layered else None]
        else:
            task = encoder.task if self.with_task else None
            with_network = self.with_network or task is not None or encoder.layer is None
            parts = [task, encoder.network if with_network else None, encoder.layer]
        return " ".join(part for part in parts if part is not None) + SUFFIXES.get(encoder.kind, "")

    def key(self, encoder: EncoderId) -> str:
        """The name of a variable in a file, which differs between seeds."""
        if encoder.is_named:
            return own_stem(self.label(encoder))
        seed = "" if encoder.seed is None else f"_seed{encoder.seed}"
        return f"{self._stem(encoder)}_{encoder.layer}_{STATES[encoder.kind]}{seed}"

    def file_stem(self, encoder: EncoderId) -> str:
        """The name of the file that holds the network's weights, without its ending."""
        seed = "" if encoder.seed is None else f"_seed{encoder.seed}"
        if encoder.kind is EncoderKind.FITTED:
            return f"fitted_{own_stem(encoder.network)}{seed}"
        end = "" if encoder.kind is EncoderKind.TRAINED else f"_{STATES[encoder.kind]}"
        return f"{self._stem(encoder)}{seed}{end}"

    def _stem(self, encoder: EncoderId) -> str:
        return file_stem(*filter(None, (encoder.task if self.with_task else None, encoder.network)))
