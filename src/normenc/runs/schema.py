"""The contents of a run's folder, listed once: for writing, publishing and reading it, and for the documentation."""

from dataclasses import dataclass

from normenc.runs.columns import TABLES, Table

__all__ = [
    "ENVIRONMENT",
    "FAILED_FIT",
    "FILES",
    "FORMAT",
    "LOCK",
    "NEW",
    "NEXT",
    "PLAN",
    "REPORT",
    "RUN_MARKER",
    "SETTINGS",
    "SHEET_COLUMNS",
    "SIMILARITY",
    "File",
    "Variable",
    "file_of",
]

SETTINGS, ENVIRONMENT, SIMILARITY, REPORT = "study.toml", "environment.json", "similarity.csv", "report.html"
FORMAT = 4  # of a run's tables, as given in environment.json; runs without it have format 1
SHEET_COLUMNS = 20  # stimuli in a row of stimuli.png
FAILED_FIT = "the fit failed"  # how the notes of predictivity.csv begin if a fit failed

# Files of normenc's own. They are hidden, and none of them is the user's.
RUN_MARKER = ".normenc-run.json"  # marks a folder as a run, and lists the files that belong to it
LOCK = ".normenc-lock"  # the process that is writing here
NEW = ".normenc-new"  # a run that is being written
NEXT = ".normenc-next"  # a complete run that is being moved into place
PLAN = ".normenc-plan.json"  # what the complete run replaces

GRATINGS, DESCRIBED = "orientations, directions; with the stage `describe`", "with the stage `describe`"
SCOPED = "if anything can be resampled in that scope"
ENCODING, PREDICTED = "with `[encoding] enabled = true`", "and the stage `predict`"


@dataclass(frozen=True)
class Variable:
    """A variable of an array file.

    Attributes
    ----------
    name : str
        ``*`` stands for the part that differs between similar variables.
    dims : tuple of str
        Likewise.
    what : str
        What it holds.
    """

    name: str
    dims: tuple[str, ...]
    what: str = ""


@dataclass(frozen=True)
class File:
    """A file of a run, or a folder of files.

    Attributes
    ----------
    name : str
        The name of a folder ends with ``/``.
    what : str
        What it holds.
    when : str
        When it is there.
    variables : tuple of Variable
        Of an array file.
    """

    name: str
    what: str
    when: str = "always"
    variables: tuple[Variable, ...] = ()

    @property
    def table(self) -> Table | None:
        """The columns of a table; None for other files."""
        return TABLES.get(self.name)


POPULATIONS = (
    Variable("components", ("population", "stimulus", "component"), "the first three principal components"),
    Variable("key", ("population",), "its name in `rdms.nc`"),
    Variable("kind", ("population",), "`recording`, or the encoder's kind"),
    Variable(
        "tuning_*",
        ("tuned_stimulus", "unit_*"),
        "mean responses of at most 200 units drawn at random; a number for each population",
    ),
    Variable("standard_error_*", ("tuned_stimulus", "unit_*"), "their standard errors"),
    Variable("unit_*", ("unit_*",), "the numbers of these units in the whole population, from 0"),
    Variable("name_*", ("unit_*",), "the neurons' names"),
)
RDM = Variable("dissimilarity", ("population", "stimulus", "stimulus_2"), "the recording comes first")
RESPONSES = Variable(
    "*",
    ("stimulus", "unit_*"),
    "one for each encoder, seed and layer, such as `ConvPoolFC_pool_trained_seed12`; single precision",
)

FILES = (
    File(SETTINGS, "the settings, all of them, defaults included; `normenc run study.toml` repeats the run"),
    File(
        ENVIRONMENT,
        f"versions, the `format` of the tables ({FORMAT}), seeds, device, the recording's facts, scores in the tasks, "
        "weights and layers of encoders that the study does not train, controls that were skipped, what was resampled",
    ),
    File(
        "quality.json",
        "what `normenc check` says about the recording, and what comparisons with it can decide (`decidable`, "
        "`decisions`)",
    ),
    File(SIMILARITY, "the result: similarity of each encoder with the recording"),
    File("similarity_by_seed.csv", "the same for each seed, without inference"),
    File(
        "similarity_by_method.csv",
        "the same as `similarity.csv` by other measures",
        "unless `[comparison] other_measures` is empty",
    ),
    File("differences.csv", "planned differences between encoders"),
    File("similarity_by_scope.csv", "the same as `similarity.csv` in the [other scope](statistics.md#scope)", SCOPED),
    File("differences_by_scope.csv", "the same as `differences.csv` in the other scope", SCOPED),
    File(
        "animals.csv",
        "similarity with each animal, beside that of [animals with each other](statistics.md#animals-as-a-yardstick)",
        "recordings of several animals",
    ),
    File(
        "partitioning.csv",
        "what each layer explains beyond all controls together",
        "if there is a control, and stimuli are more than the controls by three and at least six",
    ),
    File(
        "circular_parts.csv",
        "the similarities in the [two parts of RDMs on a circle](statistics.md#stimuli-on-a-circle): what depends on "
        "the angle between stimuli alone, and the rest",
        "if at least 8 stimuli go all around a circle",
    ),
    File(
        "identification.csv",
        "what recordings simulated from each encoder would be taken for",
        "unless `[identify] enabled = false`, if the recording's noise is known",
    ),
    File("training.csv", "the loss of every batch", "if the study trains networks"),
    File("over_training.csv", "similarity at checkpoints", "with `[training] checkpoints`"),
    File("tuning.csv", "tuning of each population", GRATINGS),
    File("tuning_units.csv", "tuning of each neuron or unit", GRATINGS),
    File("predictivity.csv", "how well neurons are predicted", f"{ENCODING} {PREDICTED}"),
    File(
        "between_animals.csv",
        "how well neurons of animals are predicted from those of others",
        f"{ENCODING}, of neurons of several animals, {PREDICTED}",
    ),
    File("fitting.csv", "how networks were fitted to the neurons", f"{ENCODING}, `networks` {PREDICTED}"),
    File("failures.csv", "what could not be trained or compared", "if something failed"),
    File("rdms.nc", "all dissimilarity matrices", variables=(RDM,)),
    File("representations.nc", "responses of the encoders", variables=(RESPONSES,)),
    File("populations.nc", "data of the report's explorers", DESCRIBED, variables=POPULATIONS),
    File(
        "stimuli.png",
        f"the stimuli side by side, {SHEET_COLUMNS} in a row, each at most 64 pixels wide and high",
    ),
    File("models/", "weights", "if networks are trained, or fitted to the neurons"),
    File("figures/", "figures as PNG and SVG, and `source_data.h5`, the data behind them ([figures](figures.md))"),
    File(REPORT, "the [report](report.md)", "written by `normenc run`"),
    File(RUN_MARKER, "marks the folder as a run: a list of the run's files, each with its SHA-256"),
)


def file_of(path: str) -> File:
    """The entry for a file of a run, by its path in the folder.

    Raises
    ------
    KeyError
        If no run has such a file. Add a new file to the list above.

    Examples
    --------
    >>> file_of("models/FC_seed12.safetensors").name, file_of("tuning.csv").when
    ('models/', 'orientations, directions; with the stage `describe`')
    >>> [column.name for column in file_of("training.csv").table.columns]
    ['task', 'network', 'seed', 'epoch', 'step', 'loss', 'learning_rate']
    """
    first, slash, _ = path.partition("/")
    for file in FILES:
        if file.name == first + slash:
            return file
    raise KeyError(f"{path} is not a file of a run; add it to normenc.runs.schema")
