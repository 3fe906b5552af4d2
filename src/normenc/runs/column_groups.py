"""Groups of columns that several of a run's tables share."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

__all__ = [
    "BLANKS",
    "COMPETENCE_COLUMNS",
    "DIRECTIONS",
    "Column",
    "Table",
    "boolean",
    "circular_parts",
    "competence",
    "differences",
    "encoder",
    "integer",
    "number",
    "predictivities",
    "similarities",
    "table",
    "text",
    "tuned_to",
]

CHANCE = {
    "p_permutations": "by label permutations: are the two related at all?",
    "p_shifts": "by circular shifts, of stimuli in order on a circle: is the match tied to their very positions?",
}
COMPETENCE_COLUMNS = ("score_name", "score", "chance", "perfect", "n_learned", "learned")
DIRECTIONS, BLANKS = "recordings of directions", "recordings with blanks"


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    name : str
        ``*`` if the file of the recording names it.
    type : str
        ``"text"``, ``"integer"``, ``"number"`` or ``"boolean"`` (``True`` or ``False``); any cell may be empty.
    meaning : str
        What it says, with its unit; related columns share it.
    when : str
        When it is there.
    """

    name: str
    type: str
    meaning: str
    when: str = "always"


@dataclass(frozen=True)
class Table:
    """A table of a run.

    Attributes
    ----------
    rows : str
        What a row is.
    columns : tuple of Column
        In their order.
    """

    rows: str
    columns: tuple[Column, ...]


def table(rows: str, *groups: Iterator[Column]) -> Table:
    """A table of these groups of columns."""
    return Table(rows, tuple(column for group in groups for column in group))


def columns(column_type: str, names: str, meaning: str, when: str = "always") -> Iterator[Column]:
    """Columns of one type and meaning, whose `names` stand in a text."""
    return (Column(name, column_type, meaning, when) for name in names.split())


text, integer = partial(columns, "text"), partial(columns, "integer")
number, boolean = partial(columns, "number"), partial(columns, "boolean")


def encoder(meaning: str = "whose row it is", *, before: str = "recording", prefix: str = "") -> Iterator[Column]:
    """The columns that identify the encoder of a row."""
    first = [*before.split(), "other" if prefix else "encoder"]
    yield from text(" ".join([*first, *(f"{prefix}{name}" for name in ("task", "network", "layer", "kind"))]), meaning)
    yield from integer(f"{prefix}seed", meaning)


def competence(names: str = "score chance learned", *, seeds: str = ", the mean over its seeds") -> Iterator[Column]:
    """The columns that tell what a trained layer's network reached in its task; empty in other rows."""
    several = "more than half of its seeds" if seeds else "it"
    meanings = {
        "score_name": ("text", "what the score is, with its unit"),
        "score": ("number", f"of the network in its task, on stimuli that it was not trained on{seeds}"),
        "chance": ("number", "the score of the best answer that ignores the stimulus"),
        "perfect": ("number", "the score of a perfect answer"),
        "n_learned": ("integer", "how many of its seeds learned the task"),
        "learned": (
            "boolean",
            f"whether the network learned its task: {several} reached the [score that counts as learned]"
            "(norms.md#what-counts-as-learned); empty if there is none",
        ),
    }
    for name in names.split():
        kind, meaning = meanings[name]
        yield Column(name, kind, f"{meaning}; empty for all but trained layers")


WIDTHS = (
    "quartiles of the width, degrees, at half of the height, of units tuned to {}",
    "how many of these widths are bounds of the fit, not measurements",
    "circular mean of their preferences, degrees; their concentration (0 to 1); p-value of the test of uniformity",
)


def tuned_to(angle: str, when: str = "always") -> Iterator[Column]:
    """What a population's tuning to an angle is summarised by."""
    widths, at_bound, preferences = WIDTHS
    names = (f"{angle}_width_deg_{quartile}" for quartile in ("25", "median", "75"))
    yield from number(" ".join(names), widths.format(angle), when)
    yield from integer(f"n_{angle}_width_at_bound", at_bound, when)
    of_preferences = (f"preferred_{angle}_{name}" for name in ("mean_deg", "resultant_length", "rayleigh_p"))
    yield from number(" ".join(of_preferences), preferences, when)


def similarities(of_rows: Iterator[Column], comparison: str, corrected: str, of_measure: str) -> Iterator[Column]:
    """The columns that ``similarity.csv`` and ``similarity_by_method.csv`` share."""
    yield from of_rows
    yield from competence(" ".join(COMPETENCE_COLUMNS))
    yield from integer("n_seeds", "how many seeds the values are means over; empty for controls and pretrained layers")
    yield from text("rdm_metric", "how dissimilarities were computed; empty for measures of responses")
    yield from text("comparison", comparison)
    yield from number("similarity low high", f"the similarity with the recording's RDM{of_measure}, and its interval")
    yield from number("standard_error dof", "of the similarity; degrees of freedom of its t distribution")
    for name, question in CHANCE.items():
        yield from number(f"{name} {name}_holm {name}_fdr", f"{question}{corrected}")
        yield from number(
            f"{name}_smallest",
            f"the smallest possible `{name}`, whatever the similarity: it depends on the number of orders of the "
            "stimuli, some of which may leave the RDM unchanged",
        )
    yield from number("p_ceiling p_ceiling_holm p_ceiling_fdr", f"different from the lower noise ceiling?{corrected}")
    yield from text("why_unknown", "why there is no similarity, or no interval and test; empty otherwise")
    yield from text(
        "ceiling",
        "what the noise ceiling was made from: `animals`, `sessions`, `repeats`, `neurons`, or `none` without one",
    )
    for end in ("lower", "upper"):
        names = f"ceiling_{end} ceiling_{end}_low ceiling_{end}_high"
        yield from number(names, f"the {end} ceiling{of_measure} and its interval")
    yield from integer(
        "n_stimuli n_animals n_sessions n_neurons",
        "how many were resampled; empty if none were. Animals count only if they are named, and sessions only if there "
        "are not several animals",
    )
    yield from text("resampled", "what intervals and tests generalise over: their [scope](statistics.md#scope)")


def differences() -> Iterator[Column]:
    """The columns that ``differences.csv`` and ``differences_by_scope.csv`` share."""
    yield from text("recording", "with which both were compared")
    yield from encoder("the layer", before="")
    yield from competence()
    yield from encoder(
        "what it is compared with: its `untrained twin`, a `control`, or another layer of the same network, of the "
        "same kind",
        before="",
        prefix="other_",
    )
    yield from number("difference low high", "similarity of the layer minus that of the other, and its interval")
    yield from number("standard_error dof", "of the difference")
    yield from number("p p_holm p_fdr", "paired test, two-sided")
    yield from text("generalises_to", "the scope: what intervals and tests generalise over")


def circular_parts() -> Iterator[Column]:
    """The columns of ``circular_parts.csv``."""
    yield from encoder()
    yield from competence()
    yield from text(
        "part",
        "`whole`, the RDM; `profile`, what depends on the angle between stimuli alone; `rest`, what depends on where "
        "they are on the circle",
    )
    yield from number("share", "of this part in the variance of the encoder's dissimilarities, the mean over its seeds")
    yield from number("share_of_data", "the same of the recording, the mean over its RDMs")
    yield from number("similarity low high", "of this part of encoder and recording, and its interval")
    yield from number("standard_error", "of this similarity")
    yield from text("ceiling", "what the noise ceiling was made from, as in `similarity.csv`")
    yield from number(
        "ceiling_lower ceiling_upper",
        "the noise ceiling of this part; from halves of trials or neurons, the lower is the reliability of this part "
        "of the recording",
    )
    yield from number(
        "p_shifts p_shifts_holm",
        f"{CHANCE['p_shifts']} Corrected for all encoders; empty for the profile, which no shift changes",
    )
    yield from number(
        "aligned",
        "similarity after the best alignment: the largest of all shifts and mirror images of the encoder's stimuli on "
        "the circle; not tested; empty if stimuli are not evenly spaced",
    )
    yield from number(
        "shift",
        "that alignment, degrees: the encoder's response to the angle a stands for that to a + shift or, if "
        "`mirrored`, to shift − a; empty for the profile",
    )
    yield from boolean("mirrored", "whether the alignment is a mirror image; empty for the profile")
    yield from text("generalises_to", "the scope: what intervals generalise over")
    yield from text("why_unknown", "why there is no similarity, or no interval; empty otherwise")
    yield from text("notes", "what was tested, thinned or assumed")


def predictivities() -> Iterator[Column]:
    """How well neurons are predicted: medians with intervals, and numbers of neurons."""
    yield from number("r r_low r_high", "correlation of prediction and response")
    yield from number("r2 r2_low r2_high", "variance explained")
    yield from number("feve feve_low feve_high", "share of the explainable variance that is explained")
    yield from number(
        "noise_corrected_r noise_corrected_r_low noise_corrected_r_high",
        "correlation, corrected for noise",
    )
    yield from integer(
        "n_reliable n_unreliable n_unknown",
        "neurons whose explainable variance reaches the threshold, does not, or is not known",
    )
    yield from number("r_unreliable", "median `r` of the unreliable ones")
