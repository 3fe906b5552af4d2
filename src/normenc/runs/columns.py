"""The columns of a run's tables: name, type, meaning, and when it is there."""

from normenc.runs.column_groups import (
    BLANKS,
    DIRECTIONS,
    Column,
    Table,
    boolean,
    circular_parts,
    competence,
    differences,
    encoder,
    integer,
    number,
    predictivities,
    similarities,
    table,
    text,
    tuned_to,
)

__all__ = ["TABLES", "Column", "Table"]

TABLES = {
    "similarity.csv": table(
        "One row per layer, trained or not, or a control. Values are means over seeds.",
        similarities(encoder(), "how RDMs were compared", "", ""),
    ),
    "similarity_by_method.csv": table(
        "One row per encoder and measure of `[comparison] other_measures`, with the columns of `similarity.csv`. See "
        "[why they are there](report.md#does-the-answer-depend-on-the-measure).",
        similarities(encoder(), "the measure", " Corrected within this measure only", " by this measure"),
    ),
    "similarity_by_seed.csv": table(
        "One row per layer and seed, or a control.",
        encoder(),
        competence("score_name score chance perfect learned", seeds=""),
        number("similarity", "for this seed; a mean over animals, or sessions, if there are several"),
    ),
    "differences.csv": table(
        "One row per trained or pretrained layer and what it is compared with. P-values are corrected over all rows.",
        differences(),
    ),
    "similarity_by_scope.csv": table(
        "One row per layer, trained or not, or a control, with the columns of `similarity.csv`, in the "
        "[other scope](statistics.md#scope): the same estimates, with other intervals and tests.",
        similarities(encoder(), "how RDMs were compared", "", ""),
        text("generalises_to", "the scope: what intervals and tests generalise over"),
    ),
    "differences_by_scope.csv": table(
        "One row per difference of `differences.csv`, in the other scope.",
        differences(),
    ),
    "animals.csv": table(
        "One row per measure, encoder, direction and animal, and one of all animals together, which has the tests. See "
        "[animals as a yardstick](statistics.md#animals-as-a-yardstick). With `[encoding] enabled = true` and neurons "
        "of several animals, regressions have rows in [both directions](encoding.md#between-animals).",
        encoder(),
        competence(),
        text("comparison", "the measure; `feve` or, without repeated trials, `r2` of regressions"),
        text(
            "direction",
            "of regressions: `to animals` if the encoder predicts them, `from animals` if they predict the encoder; "
            "`both`, the mean of the two, or a measure that has no direction",
        ),
        text("animal", "its name; empty for all animals together"),
        number("similarity", "of the encoder with the animal"),
        number("between_animals", "mean similarity of the other animals with it, in the same direction"),
        number("difference", "the first minus the second"),
        number("low high", "95 % confidence interval of the difference"),
        number("standard_error dof p", "test of the difference against 0, two-sided"),
        number(
            "p_holm p_fdr",
            "corrected for all encoders, within this measure; of regressions also for the two directions",
        ),
        text("resampled", "what the interval generalises over"),
        text("why_unknown", "why there is no interval and test, as with two animals; empty otherwise"),
    ),
    "partitioning.csv": table(
        "One row per trained or pretrained layer and what is explained. See [beyond the controls]"
        "(statistics.md#beyond-the-controls).",
        encoder(),
        competence(),
        integer("n_seeds", "how many seeds the values are means over"),
        text(
            "variance_of",
            "what is explained: `dissimilarities`, by a regression of RDMs, or `responses`, by a banded ridge "
            "regression of neurons",
        ),
        text("controls", "the controls, all together in the regression"),
        number(
            "explained_by_controls explained_by_controls_low explained_by_controls_high",
            "share of the variance that the controls explain together, and its interval; of responses, of the variance "
            "that is explainable, or of all without repeated trials (median over neurons)",
        ),
        number("explained", "the same of controls and layer together"),
        number("unique unique_low unique_high", "what the layer adds to the controls, and its interval"),
        number(
            "semipartial semipartial_low semipartial_high",
            "correlation of the recording's dissimilarities with what no combination of controls gives of the layer's; "
            "its square is `unique`; empty of responses",
        ),
        number("partial partial_low partial_high", "partial correlation given the controls; empty of responses"),
        number(
            "beyond_twin beyond_twin_low beyond_twin_high",
            "as `unique`, beyond all controls and the layer's untrained twin (mean RDM of seeds); empty of responses",
        ),
        number(
            "semipartial_beyond_twin semipartial_beyond_twin_low semipartial_beyond_twin_high",
            "the correlation whose square this is",
        ),
        number("non_negative", "as `unique`, with weights of at least 0; empty of responses"),
        number("standard_error dof p p_holm", "test of the semipartial correlation against 0; empty of responses"),
        text("why_unknown", "why there is no share, or no interval; empty otherwise"),
        text("notes", "what was left out, or thinned"),
    ),
    "circular_parts.csv": table(
        "Three rows per layer, trained or not, or a control. See [stimuli on a circle]"
        "(statistics.md#stimuli-on-a-circle).",
        circular_parts(),
    ),
    "identification.csv": table(
        "One row per encoder from which recordings like this one were simulated, and encoder that they could be taken "
        "for. See [could these data have told](identification.md).",
        encoder("from which recordings were simulated: the truth"),
        competence(),
        encoder("what they were taken for: the most similar encoder", before="", prefix="other_"),
        text("comparison", "the measure that chose it"),
        integer("n_simulations", "recordings that were simulated from this encoder"),
        number("share", "of them that were taken for the other; on the diagonal for the truth itself"),
        number(
            "share_left_out",
            "the same if the truth were not among the encoders; empty for the truth itself",
        ),
    ),
    "training.csv": table(
        "One row per batch.",
        text("task network", "which network"),
        integer("seed", "which network"),
        integer("epoch step", "counted from 1"),
        number("loss", "of this batch, before the step"),
        number("learning_rate", "of this network, stated or found by a search; with a schedule, its largest"),
    ),
    "over_training.csv": table(
        "One row per trained layer and checkpoint.",
        encoder(),
        competence(),
        integer("epoch", "number of epochs trained; 0 is before training"),
        integer("n_seeds", "as in `similarity.csv`"),
        number("similarity low high", "as in `similarity.csv`"),
    ),
    "tuning.csv": table(
        "One row per population: the recording, the layers shown in figures, controls. Medians are over its units. "
        "Counts are at a false discovery rate of 0.05, and empty if no unit could be tested.",
        text("population", "its label"),
        boolean("recording", "whether it is the recording"),
        encoder("which encoder it is; empty for the recording", before=""),
        integer("n_all n_units", "units, and those described one by one: 500 of a large control"),
        integer(
            "n_responsive n_tested_responsive",
            "neurons that respond to a stimulus, and how many could be tested",
            BLANKS,
        ),
        integer(
            "n_tuned n_tested_tuned",
            "units whose responses differ between stimuli in any way, and how many could be tested",
        ),
        integer(
            "n_tuned_orientation n_tested_tuned_orientation",
            "units [tuned to orientation](tuning.md#which-units-are-tuned), and how many could be tested",
        ),
        integer("n_tuned_direction n_tested_tuned_direction", "the same for direction", DIRECTIONS),
        tuned_to("orientation"),
        tuned_to("direction", DIRECTIONS),
        number("gosi_median osi_median", "[selectivity](tuning.md) for orientation"),
        number("gdsi_median dsi_median", "selectivity for direction", DIRECTIONS),
        number("reliability_median", "split-half reliability; empty without repeated trials"),
        number(
            "decoding_orientation_error_deg",
            "median error of a cross-validated decoder of mean responses, which reads each stimulus from the others, "
            "degrees; 45 by chance; empty with fewer than 6. `quality.json` says how well single trials are decoded",
        ),
        number("decoding_direction_error_deg", "the same for direction; 90 by chance", DIRECTIONS),
        number(
            "participation_ratio spectrum_exponent",
            "how many dimensions responses use, and how fast their variances fall",
        ),
        boolean(
            "spectrum_cross_validated",
            "whether the spectrum is free of noise, because it is made of two halves of the trials",
        ),
    ),
    "tuning_units.csv": table(
        "One row per neuron or unit.",
        encoder("whose row it is; only `population` is filled for the recording", before="population"),
        text(
            "neuron",
            "the recording's neuron, by its name in the file or its number in the file, counted from 0 before any "
            "neuron was left out",
        ),
        text(
            "*",
            "the same names, in a column that has the name used in the file, such as `roi` or `cell_id`",
            "if the file does not call them `neuron`",
        ),
        integer("unit", "the unit of a layer or control, counted from 0"),
        number(
            "preferred_orientation_deg gosi osi",
            "preferred orientation, degrees (−90 to 90), and selectivity for orientation",
        ),
        number(
            "preferred_direction_deg gdsi dsi",
            "preferred direction, degrees (0 to 360), and selectivity for direction",
            DIRECTIONS,
        ),
        number(
            "fit_preferred_deg width_deg",
            "of the fitted von Mises curve, degrees; of directions, of the larger of its two bumps",
        ),
        boolean(
            "width_at_bound",
            "whether the width is at an end of the range of the fit: tuning may be narrower than the distance "
            "between stimuli, or as wide as a cosine",
        ),
        number("r2", "share of the variance that the curve explains"),
        number(
            "p_stimulus p_orientation",
            "[tests](tuning.md#which-units-are-tuned) of any tuning and of orientation; empty if no test is possible",
        ),
        number("p_direction", "test of direction", DIRECTIONS),
        number("p_responsive", "test of a response to any stimulus", BLANKS),
        boolean(
            "tuned tuned_orientation",
            "whether the unit counts as tuned, at a false discovery rate of 0.05",
        ),
        boolean("tuned_direction", "whether it counts as tuned to direction", DIRECTIONS),
        boolean("responsive", "whether it counts as responsive", BLANKS),
        number("reliability explainable_variance", "of the unit's responses; empty without repeated trials"),
        number("response_range", "highest minus lowest mean response to a stimulus"),
    ),
    "predictivity.csv": table(
        "One row per encoder or network fitted to the neurons. [Encoding models](encoding.md) explains the measures; "
        "they are medians over reliable neurons, or over all neurons if there are no repeated trials, each with `_low` "
        "and `_high`.",
        encoder(),
        competence(),
        text("method", "how it was fitted"),
        integer("n_units", "from how many units"),
        number("similarity similarity_low similarity_high", "of RDMs, for comparison"),
        predictivities(),
        text(
            "notes",
            'notes of the regression; begins with "the fit failed" if it did: scores below −1, or a network that '
            "diverged, which has no scores",
        ),
        text("ceiling", "as in `similarity.csv`"),
        number("ceiling_lower ceiling_upper", "as in `similarity.csv`"),
    ),
    "between_animals.csv": table(
        "One row for all neurons, each predicted from all animals but its own, then one row per pair of animals, in "
        "both directions, with the measures of `predictivity.csv`. See [between animals](encoding.md#between-animals).",
        text("recording", "whose neurons"),
        text("target", "the animal whose neurons are predicted; `all animals` in the first row"),
        text("source", "the animal they are predicted from; `all other animals` in the first row"),
        integer("n_neurons n_source", "neurons of the target and of the source"),
        predictivities(),
        text("notes", "notes of the regressions"),
    ),
    "fitting.csv": table(
        "One row per epoch of a network fitted to the neurons without the first fold.",
        text("network", "its name in `[encoding] networks`"),
        integer("epoch step", "counted from 1"),
        number("training_loss penalty held_out_loss", "the last on stimuli that were held out"),
        number("learning_rate", "in this epoch"),
        boolean("kept", "whether the weights of this epoch were kept"),
    ),
    "failures.csv": table(
        "One row per network that could not be trained, or layer that cannot be compared.",
        encoder(
            "what failed: a network, without a `layer`; or a layer of all seeds, without a `seed`",
            before="",
        ),
        text("reason", "in words"),
        text("settings", "of the unit, as JSON"),
    ),
}
