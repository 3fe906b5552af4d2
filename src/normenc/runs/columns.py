"""The columns of a run's tables: name, type, meaning, and when it is there."""

from collections.abc import Iterator

from normenc.runs.column_types import Column, Table
from normenc.runs.column_types import boolean_columns as _boolean
from normenc.runs.column_types import encoder_of_row as _encoder
from normenc.runs.column_types import integer_columns as _integer
from normenc.runs.column_types import number_columns as _number
from normenc.runs.column_types import table_of as _table
from normenc.runs.column_types import text_columns as _text

__all__ = ["TABLES", "Column", "Table"]

DIRECTIONS, BLANKS = "recordings of directions", "recordings with blanks"

WIDTHS = (
    "quartiles of the width, degrees, at half of the height, of units tuned to {}",
    "how many of these widths are bounds of the fit, not measurements",
    "circular mean of their preferences, degrees; their concentration (0 to 1); p-value of the test of uniformity",
)


def _tuned_to(angle: str, when: str = "always") -> Iterator[Column]:
    widths, at_bound, preferences = WIDTHS
    names = (f"{angle}_width_deg_{quartile}" for quartile in ("25", "median", "75"))
    yield from _number(" ".join(names), widths.format(angle), when)
    yield from _integer(f"n_{angle}_width_at_bound", at_bound, when)
    of_preferences = (f"preferred_{angle}_{name}" for name in ("mean_deg", "resultant_length", "rayleigh_p"))
    yield from _number(" ".join(of_preferences), preferences, when)


def _similarities(of_rows: Iterator[Column], comparison: str, corrected: str, of_measure: str) -> Iterator[Column]:
    """The columns that ``similarity.csv`` and ``similarity_by_method.csv`` share."""
    yield from of_rows
    yield from _integer("n_seeds", "how many seeds the values are means over; empty for controls and pretrained layers")
    yield from _text("rdm_metric", "how dissimilarities were computed")
    yield from _text("comparison", comparison)
    yield from _number("similarity low high", f"the similarity with the recording's RDM{of_measure}, and its interval")
    yield from _number("standard_error dof", "of the similarity; degrees of freedom of its t distribution")
    yield from _number("p_chance p_chance_holm p_chance_fdr", f"more similar than chance?{corrected}")
    yield from _number(
        "p_chance_smallest",
        "the smallest possible `p_chance`, whatever the similarity: it depends on the number of orders of the stimuli, "
        "some of which may leave the RDM unchanged",
    )
    yield from _number("p_ceiling p_ceiling_holm p_ceiling_fdr", f"different from the lower noise ceiling?{corrected}")
    yield from _text("why_unknown", "why there is no similarity, or no interval and test; empty otherwise")
    yield from _text(
        "chance",
        "what chance is: `circular shifts` or `label permutations` of the stimuli ([which, and why]"
        "(statistics.md#chance))",
    )
    yield from _text(
        "ceiling",
        "what the noise ceiling was made from: `animals`, `sessions`, `repeats`, `neurons`, or `none` without one",
    )
    for end in ("lower", "upper"):
        names = f"ceiling_{end} ceiling_{end}_low ceiling_{end}_high"
        yield from _number(names, f"the {end} ceiling{of_measure} and its interval")
    yield from _integer(
        "n_stimuli n_animals n_sessions n_neurons",
        "how many were resampled; empty if none were. Animals count only if they are named, and sessions only if there "
        "are not several animals",
    )
    yield from _text("resampled", "what intervals and tests generalise over")


def _predictivities() -> Iterator[Column]:
    """How well neurons are predicted: medians with intervals, and numbers of neurons."""
    yield from _number("r r_low r_high", "correlation of prediction and response")
    yield from _number("r2 r2_low r2_high", "variance explained")
    yield from _number("feve feve_low feve_high", "share of the explainable variance that is explained")
    yield from _number(
        "noise_corrected_r noise_corrected_r_low noise_corrected_r_high",
        "correlation, corrected for noise",
    )
    yield from _integer(
        "n_reliable n_unreliable n_unknown",
        "neurons whose explainable variance reaches the threshold, does not, or is not known",
    )
    yield from _number("r_unreliable", "median `r` of the unreliable ones")


TABLES = {
    "similarity.csv": _table(
        "One row per layer, trained or not, or a control. Values are means over seeds.",
        _similarities(_encoder(), "how RDMs were compared", "", ""),
    ),
    "similarity_by_method.csv": _table(
        "One row per encoder and measure of `[comparison] other_measures`, with the columns of `similarity.csv`. See "
        "[why they are there](report.md#does-the-answer-depend-on-the-measure).",
        _similarities(_encoder(), "the measure", " Corrected within this measure only", " by this measure"),
    ),
    "similarity_by_seed.csv": _table(
        "One row per layer and seed, or a control.",
        _encoder(),
        _number("similarity", "for this seed; a mean over animals, or sessions, if there are several"),
    ),
    "differences.csv": _table(
        "One row per trained or pretrained layer and what it is compared with. P-values are corrected over all rows.",
        _text("recording", "with which both were compared"),
        _encoder("the layer", before=""),
        _encoder(
            "what it is compared with: its `untrained twin`, a `control`, or another layer of the same network, of the "
            "same kind",
            before="",
            prefix="other_",
        ),
        _number("difference low high", "similarity of the layer minus that of the other, and its interval"),
        _number("standard_error dof", "of the difference"),
        _number("p p_holm p_fdr", "paired test, two-sided"),
    ),
    "partitioning.csv": _table(
        "One row per trained or pretrained layer and what is explained. See [beyond the controls]"
        "(statistics.md#beyond-the-controls).",
        _encoder(),
        _integer("n_seeds", "how many seeds the values are means over"),
        _text(
            "variance_of",
            "what is explained: `dissimilarities`, by a regression of RDMs, or `responses`, by a banded ridge "
            "regression of neurons",
        ),
        _text("controls", "the controls, all together in the regression"),
        _number(
            "explained_by_controls explained_by_controls_low explained_by_controls_high",
            "share of the variance that the controls explain together, and its interval; of responses, of the variance "
            "that is explainable, or of all without repeated trials (median over neurons)",
        ),
        _number("explained", "the same of controls and layer together"),
        _number("unique unique_low unique_high", "what the layer adds to the controls, and its interval"),
        _number(
            "semipartial semipartial_low semipartial_high",
            "correlation of the recording's dissimilarities with what no combination of controls gives of the layer's; "
            "its square is `unique`; empty of responses",
        ),
        _number("partial partial_low partial_high", "partial correlation given the controls; empty of responses"),
        _number(
            "beyond_twin beyond_twin_low beyond_twin_high",
            "as `unique`, beyond all controls and the layer's untrained twin (mean RDM of seeds); empty of responses",
        ),
        _number(
            "semipartial_beyond_twin semipartial_beyond_twin_low semipartial_beyond_twin_high",
            "the correlation whose square this is",
        ),
        _number("non_negative", "as `unique`, with weights of at least 0; empty of responses"),
        _number("standard_error dof p p_holm", "test of the semipartial correlation against 0; empty of responses"),
        _text("why_unknown", "why there is no share, or no interval; empty otherwise"),
        _text("notes", "what was left out, or thinned"),
    ),
    "identification.csv": _table(
        "One row per encoder from which recordings like this one were simulated, and encoder that they could be taken "
        "for. See [could these data have told](identification.md).",
        _encoder("from which recordings were simulated: the truth"),
        _encoder("what they were taken for: the most similar encoder", before="", prefix="other_"),
        _text("comparison", "the measure that chose it"),
        _integer("n_simulations", "recordings that were simulated from this encoder"),
        _number("share", "of them that were taken for the other; on the diagonal for the truth itself"),
        _number(
            "share_left_out",
            "the same if the truth were not among the encoders; empty for the truth itself",
        ),
    ),
    "training.csv": _table(
        "One row per batch.",
        _text("task network", "which network"),
        _integer("seed", "which network"),
        _integer("epoch step", "counted from 1"),
        _number("loss", "of this batch, before the step"),
    ),
    "over_training.csv": _table(
        "One row per trained layer and checkpoint.",
        _encoder(),
        _integer("epoch", "number of epochs trained; 0 is before training"),
        _integer("n_seeds", "as in `similarity.csv`"),
        _number("similarity low high", "as in `similarity.csv`"),
    ),
    "tuning.csv": _table(
        "One row per population: the recording, the layers shown in figures, controls. Medians are over its units. "
        "Counts are at a false discovery rate of 0.05, and empty if no unit could be tested.",
        _text("population", "its label"),
        _boolean("recording", "whether it is the recording"),
        _encoder("which encoder it is; empty for the recording", before=""),
        _integer("n_all n_units", "units, and those described one by one: 500 of a large control"),
        _integer(
            "n_responsive n_tested_responsive",
            "neurons that respond to a stimulus, and how many could be tested",
            BLANKS,
        ),
        _integer(
            "n_tuned n_tested_tuned",
            "units whose responses differ between stimuli in any way, and how many could be tested",
        ),
        _integer(
            "n_tuned_orientation n_tested_tuned_orientation",
            "units [tuned to orientation](tuning.md#which-units-are-tuned), and how many could be tested",
        ),
        _integer("n_tuned_direction n_tested_tuned_direction", "the same for direction", DIRECTIONS),
        _tuned_to("orientation"),
        _tuned_to("direction", DIRECTIONS),
        _number("gosi_median osi_median", "[selectivity](tuning.md) for orientation"),
        _number("gdsi_median dsi_median", "selectivity for direction", DIRECTIONS),
        _number("reliability_median", "split-half reliability; empty without repeated trials"),
        _number(
            "decoding_orientation_error_deg",
            "median error of a cross-validated decoder of mean responses, which reads each stimulus from the others, "
            "degrees; 45 by chance; empty with fewer than 6. `quality.json` says how well single trials are decoded",
        ),
        _number("decoding_direction_error_deg", "the same for direction; 90 by chance", DIRECTIONS),
        _number(
            "participation_ratio spectrum_exponent",
            "how many dimensions responses use, and how fast their variances fall",
        ),
        _boolean(
            "spectrum_cross_validated",
            "whether the spectrum is free of noise, because it is made of two halves of the trials",
        ),
    ),
    "tuning_units.csv": _table(
        "One row per neuron or unit.",
        _encoder("whose row it is; only `population` is filled for the recording", before="population"),
        _text(
            "neuron",
            "the recording's neuron, by its name in the file or its number in the file, counted from 0 before any "
            "neuron was left out",
        ),
        _text(
            "*",
            "the same names, in a column that has the name used in the file, such as `roi` or `cell_id`",
            "if the file does not call them `neuron`",
        ),
        _integer("unit", "the unit of a layer or control, counted from 0"),
        _number(
            "preferred_orientation_deg gosi osi",
            "preferred orientation, degrees (−90 to 90), and selectivity for orientation",
        ),
        _number(
            "preferred_direction_deg gdsi dsi",
            "preferred direction, degrees (0 to 360), and selectivity for direction",
            DIRECTIONS,
        ),
        _number(
            "fit_preferred_deg width_deg",
            "of the fitted von Mises curve, degrees; of directions, of the larger of its two bumps",
        ),
        _boolean(
            "width_at_bound",
            "whether the width is at an end of the range of the fit: tuning may be narrower than the distance "
            "between stimuli, or as wide as a cosine",
        ),
        _number("r2", "share of the variance that the curve explains"),
        _number(
            "p_stimulus p_orientation",
            "[tests](tuning.md#which-units-are-tuned) of any tuning and of orientation; empty if no test is possible",
        ),
        _number("p_direction", "test of direction", DIRECTIONS),
        _number("p_responsive", "test of a response to any stimulus", BLANKS),
        _boolean(
            "tuned tuned_orientation",
            "whether the unit counts as tuned, at a false discovery rate of 0.05",
        ),
        _boolean("tuned_direction", "whether it counts as tuned to direction", DIRECTIONS),
        _boolean("responsive", "whether it counts as responsive", BLANKS),
        _number("reliability explainable_variance", "of the unit's responses; empty without repeated trials"),
        _number("response_range", "highest minus lowest mean response to a stimulus"),
    ),
    "predictivity.csv": _table(
        "One row per encoder or network fitted to the neurons. [Encoding models](encoding.md) explains the measures; "
        "they are medians over reliable neurons, or over all neurons if there are no repeated trials, each with `_low` "
        "and `_high`.",
        _encoder(),
        _text("method", "how it was fitted"),
        _integer("n_units", "from how many units"),
        _number("similarity similarity_low similarity_high", "of RDMs, for comparison"),
        _predictivities(),
        _text(
            "notes",
            'notes of the regression; begins with "the fit failed" if it did: scores below −1, or a network that '
            "diverged, which has no scores",
        ),
        _text("ceiling", "as in `similarity.csv`"),
        _number("ceiling_lower ceiling_upper", "as in `similarity.csv`"),
    ),
    "between_animals.csv": _table(
        "One row for all neurons, each predicted from all animals but its own, then one row per pair of animals, in "
        "both directions, with the measures of `predictivity.csv`. See [between animals](encoding.md#between-animals).",
        _text("recording", "whose neurons"),
        _text("target", "the animal whose neurons are predicted; `all animals` in the first row"),
        _text("source", "the animal they are predicted from; `all other animals` in the first row"),
        _integer("n_neurons n_source", "neurons of the target and of the source"),
        _predictivities(),
        _text("notes", "notes of the regressions"),
    ),
    "fitting.csv": _table(
        "One row per epoch of a network fitted to the neurons without the first fold.",
        _text("network", "its name in `[encoding] networks`"),
        _integer("epoch step", "counted from 1"),
        _number("training_loss penalty held_out_loss", "the last on stimuli that were held out"),
        _number("learning_rate", "in this epoch"),
        _boolean("kept", "whether the weights of this epoch were kept"),
    ),
    "failures.csv": _table(
        "One row per network that could not be trained, or layer that cannot be compared.",
        _encoder(
            "what failed: a network, without a `layer`; or a layer of all seeds, without a `seed`",
            before="",
        ),
        _text("reason", "in words"),
        _text("settings", "of the unit, as JSON"),
    ),
}
