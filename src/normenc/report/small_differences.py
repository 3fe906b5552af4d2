"""When a difference between similarities is small, and when that was to be expected."""

from typing import Any

import pandas as pd

from normenc.report.reference_sentences import CLOSE, zero_is_unrelated

__all__ = ["is_small", "limit_in_words", "was_expected"]


def _most(best: Any) -> float:
    """A difference of similarities below which it is small."""
    lower = best["ceiling_lower"]
    if not zero_is_unrelated(best):
        return CLOSE * abs(lower) if pd.notna(lower) else 0.0
    return float(min(CLOSE, (lower if lower > 0 else best["similarity"]) / 10))


def limit_in_words(best: Any) -> str:
    """A difference below which one is small, with where it is from unless it is 0.05."""
    most, lower = _most(best), best["ceiling_lower"]
    if not zero_is_unrelated(best):
        return f"{most:.2g}, {CLOSE:.0%} of the lower noise ceiling".replace("%", " %")
    if most == CLOSE:
        return f"{most:.2g}"
    return f"{most:.2g}, a tenth of {'the lower noise ceiling' if lower > 0 else 'its similarity'}"


def was_expected(best: Any) -> str:
    """That a small change was to be expected, because the RDMs of the layer and its twin are so alike."""
    like = best.get("like_twin", float("nan"))
    if not 1 - like < _most(best):
        return ""
    return (
        f"; that was to be expected, because the RDMs of the layer and its untrained twin are so alike ({like:.3f}) "
        f"that either would be at most {1 - like:.3f} less similar if the other were the truth"
    )


def is_small(row: Any, best: Any) -> bool:
    """Whether the whole interval of a difference from the layer `best` is close to 0."""
    return bool(pd.notna(row["low"]) and max(abs(row["low"]), abs(row["high"])) < _most(best))
