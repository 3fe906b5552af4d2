"""The layers that learned, of which a study asks whether that matters: trained by the study, or by others.

Layers of networks that did not learn their task are not among them.
"""

import pandas as pd

from normenc.csv_tables import did_not_learn
from normenc.encoders import LEARNED, SUFFIXES, EncoderKind

__all__ = ["in_words", "learned_rows", "learned_word", "never_learned", "of_others"]


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
    """A table whose pretrained layers are called as sentences call them, without a comma.

    Examples
    --------
    >>> table = pd.DataFrame({"encoder": ["conv1, pretrained", "conv1, untrained"]})
    >>> in_words(table, "pretrained")["encoder"].tolist()
    ['conv1', 'conv1, untrained']
    >>> in_words(table, "trained or pretrained")["encoder"].tolist()
    ['conv1 (pretrained)', 'conv1, untrained']
    """
    suffix = SUFFIXES[EncoderKind.PRETRAINED]
    names = [str(name) for name in table[column]]
    end = "" if word == "pretrained" else " (pretrained)"
    called = [name.removesuffix(suffix) + end if name.endswith(suffix) else name for name in names]
    return table.assign(**{column: called})
