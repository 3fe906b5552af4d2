"""The layers that learned, of which a study asks whether that matters: trained by the study, or by others.

Layers of networks that did not learn their task are not among them.
"""

import pandas as pd

from normenc.csv_tables import did_not_learn
from normenc.encoders import LEARNED, SUFFIXES, EncoderKind

__all__ = ["in_words", "learned_rows", "learned_word", "never_learned", "of_others", "spoken"]


def learned_rows(similarity: pd.DataFrame) -> pd.DataFrame:
    """The rows of trained and pretrained layers, without those of networks that did not learn their task."""
    return similarity[similarity["kind"].isin(LEARNED) & ~did_not_learn(similarity)]


def learned_word(similarity: pd.DataFrame) -> str:
    """What these layers are called together.

    Examples
    --------
    >>> learned_word(pd.DataFrame({"kind": ["trained layer", "control"]}))
    'trained'
    >>> learned_word(pd.DataFrame({"kind": ["pretrained layer", "trained layer"]}))
    'trained or pretrained'
    """
    kinds = set(similarity["kind"])
    pretrained = EncoderKind.PRETRAINED in kinds
    if EncoderKind.TRAINED in kinds or not pretrained:
        return "trained or pretrained" if pretrained else "trained"
    return "pretrained"


def of_others(similarity: pd.DataFrame, encoder: str) -> bool:
    """Whether a layer is of a network that others trained."""
    kinds = similarity.loc[similarity["encoder"] == encoder, "kind"]
    return bool((kinds == EncoderKind.PRETRAINED).any())


def never_learned(similarity: pd.DataFrame) -> bool:
    """Whether all networks of a study are untrained."""
    return not similarity["kind"].isin(LEARNED).any() and bool((similarity["kind"] == EncoderKind.TWIN).any())


def in_words(table: pd.DataFrame, word: str, column: str = "encoder") -> pd.DataFrame:
    """A table whose encoders are called as sentences call them, without a comma.

    Examples
    --------
    >>> table = pd.DataFrame({"encoder": ["conv1, pretrained", "conv1, untrained"]})
    >>> in_words(table, "pretrained")["encoder"].tolist()
    ['conv1', 'untrained conv1']
    >>> in_words(table, "trained or pretrained")["encoder"].tolist()
    ['conv1 (pretrained)', 'untrained conv1']
    """
    return table.assign(**{column: [spoken(name, word) for name in table[column]]})


def spoken(label: object, word: str = "pretrained") -> str:
    """What a sentence calls an encoder; `word` is what the layers that learned are called together.

    Examples
    --------
    >>> spoken("pool, untrained"), spoken("conv1, pretrained"), spoken("pixels")
    ('untrained pool', 'conv1', 'pixels')
    """
    name, twin, pretrained = str(label), SUFFIXES[EncoderKind.TWIN], SUFFIXES[EncoderKind.PRETRAINED]
    if name.endswith(twin):
        return f"untrained {name.removesuffix(twin)}"
    end = "" if word == "pretrained" or not name.endswith(pretrained) else " (pretrained)"
    return f"{name.removesuffix(pretrained)}{end}"
