"""How the pages write names, numbers and p-values in a sentence."""

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from normenc.texts import visible_lines

__all__ = [
    "FACTORS",
    "coded",
    "corrected",
    "counted",
    "decimals",
    "interval",
    "join_factors",
    "join_names",
    "listed",
    "minus",
    "p_value",
    "quoted",
    "shown",
    "signed",
    "the_recording",
]

CODE = re.compile(r"`([^`]+)`")
PLURALS = {"stimulus": "stimuli"}
ROUNDING = 1e-9  # no similarity or share is known to less
FACTORS = ("stimuli", "animals", "sessions", "neurons", "trials", "seeds")


def quoted(name: object) -> str:
    """A name that a user chose, in quotation marks.

    Examples
    --------
    >>> quoted("mine"), quoted("the “good” one")
    ('“mine”', '“the ‘good’ one”')
    """
    return f"“{str(name).replace('“', '‘').replace('”', '’')}”"


def shown(value: Any) -> Any:
    """A value as a page shows it: invisible characters of a text are escaped; safe HTML is unchanged."""
    return visible_lines(value) if type(value) is str else value


def coded(sentence: str) -> Any:
    """A sentence as HTML, in which what stands between backticks is code.

    Examples
    --------
    >>> coded("`normenc design` has stimuli for a < b")
    Markup('<code>normenc design</code> has stimuli for a &lt; b')
    """
    from markupsafe import Markup, escape

    return Markup(CODE.sub(r"<code>\1</code>", str(escape(shown(sentence)))))


def listed(names: Sequence[str]) -> str:
    """Names in a list, separated by semicolons if one contains a comma.

    Examples
    --------
    >>> listed(["pool", "fc"]), listed(["fc", "fc, untrained"])
    ('pool, fc', 'fc; fc, untrained')
    """
    return ("; " if any("," in name for name in names) else ", ").join(names)


def the_recording(name: object) -> str:
    """A recording and its name.

    Examples
    --------
    >>> the_recording("mine")
    'the recording “mine”'
    """
    return f"the recording {quoted(name)}"


def counted(n: int, noun: str) -> str:
    """A number and its noun, in the singular or plural.

    Examples
    --------
    >>> counted(1, "stimulus"), counted(12, "stimulus"), counted(1, "neuron"), counted(2000, "neuron")
    ('1 stimulus', '12 stimuli', '1 neuron', '2,000 neurons')
    """
    return f"{n:,} {noun if n == 1 else PLURALS.get(noun, noun + 's')}"


def join_names(names: Sequence[str]) -> str:
    """Names in a list within a sentence.

    Examples
    --------
    >>> join_names(["pool"]), join_names(["pool", "fc", "pixels"]), join_names([])
    ('pool', 'pool, fc and pixels', '')
    """
    return "".join(names) if len(names) < 2 else f"{', '.join(names[:-1])} and {names[-1]}"


def join_factors(factors: Iterable[str], *, one_network: bool = False) -> str:
    """The resampled factors in a list, from stimuli to seeds.

    If a single network was trained, only the seeds of the untrained networks were resampled.

    Examples
    --------
    >>> join_factors(["stimuli", "neurons", "seeds", "sessions"])
    'stimuli, sessions, neurons and seeds'
    >>> join_factors(["seeds", "stimuli"], one_network=True)
    'stimuli and seeds of the untrained networks'
    >>> join_factors([])
    'nothing'
    """
    ordered = sorted(factors, key=lambda factor: FACTORS.index(factor) if factor in FACTORS else len(FACTORS))
    named = ["seeds of the untrained networks" if one_network and f == "seeds" else f for f in ordered]
    return join_names(named) or "nothing"


def decimals(value: float) -> str:
    """A number with three decimals, and a minus sign where it is negative."""
    return minus(f"{value:z.3f}")


def minus(text: str) -> str:
    """A text with minus signs in place of hyphens."""
    return text.replace("-", "−")


def signed(value: float) -> str:
    """A difference, with its sign.

    Examples
    --------
    >>> signed(0.1), signed(-0.25), signed(-0.0001)
    ('+0.100', '−0.250', '0.000')
    """
    return _without_minus_zero(f"{value:+.3f}")


def interval(low: float, high: float, form: str = ".3f") -> str:
    """The limits of an interval; with two significant digits where they would read as zero and are not.

    Examples
    --------
    >>> interval(-0.1, 0.25, "+.2f"), interval(float("nan"), float("nan"))
    ('−0.10 to +0.25', 'unknown')
    >>> interval(0.00031, 0.008), interval(-0.000012, 0.0), interval(2e-12, 0.1)
    ('0.00031 to 0.008', '−0.000012 to 0.000', '0.000 to 0.100')
    """
    return "unknown" if pd.isna(low) else " to ".join(_limit(float(end), form) for end in (low, high))


def _limit(value: float, form: str) -> str:
    text = f"{value:{form}}"
    if abs(value) < ROUNDING or float(text) != 0:
        return _without_minus_zero(text)
    return minus(f"{value:{'+' * form.startswith('+')}.{1 - math.floor(math.log10(abs(value)))}f}")


def _without_minus_zero(text: str) -> str:
    return text.lstrip("+-") if float(text) == 0 else minus(text)


def p_value(value: float) -> str:
    """A p-value.

    Examples
    --------
    >>> p_value(0.0312), p_value(0.0001), p_value(1.0)
    ('p = 0.031', 'p < 0.001', 'p = 1')
    """
    return f"p = {value:.2g}" if value >= 0.001 else "p < 0.001"


def corrected(n: int, noun: str = "comparison") -> str:
    """What a p-value was corrected for.

    Examples
    --------
    >>> corrected(8), corrected(3, "model"), corrected(1)
    ('Holm-corrected for 8 comparisons', 'Holm-corrected for 3 models', 'for a single comparison')
    """
    return f"Holm-corrected for {counted(n, noun)}" if n > 1 else f"for a single {noun}"
