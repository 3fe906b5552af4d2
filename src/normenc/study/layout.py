"""What stands in a run's folder, listed once: for writing and publishing it, and for the page that documents it."""

from dataclasses import dataclass

from normenc.study.file_names import REPORT

__all__ = [
    "ENVIRONMENT",
    "FORMAT",
    "LOCK",
    "MARKER",
    "NEW",
    "NEXT",
    "PARTS",
    "PLAN",
    "SETTINGS",
    "SIMILARITY",
    "Part",
    "part_of",
]

SETTINGS, ENVIRONMENT, SIMILARITY = "study.toml", "environment.json", "similarity.csv"
FORMAT = 2  # of a run's tables, as environment.json tells it; runs that do not are of format 1

# Files of normenc's own. They are hidden, and none of them is the user's.
MARKER = ".normenc-run.json"  # makes a folder a run's, and lists the files that belong to it
LOCK = ".normenc-lock"  # who is writing here
NEW = ".normenc-new"  # a run that is being written
NEXT = ".normenc-next"  # a whole run that is on the way to its place
PLAN = ".normenc-plan.json"  # what the whole run replaces


@dataclass(frozen=True)
class Part:
    """A file of a run, or a folder, whose name ends with ``/``, and when it is there."""

    name: str
    when: str = "always"


PARTS = (
    Part(SETTINGS),
    Part(ENVIRONMENT),
    Part("quality.json"),
    Part(SIMILARITY),
    Part("similarity_by_seed.csv"),
    Part("similarity_by_method.csv", "unless `[comparison] also` is empty"),
    Part("differences.csv"),
    Part("training.csv"),
    Part("over_training.csv", "with `[training] checkpoints`"),
    Part("tuning.csv", "orientations, directions; with the stage `describe`"),
    Part("tuning_units.csv", "orientations, directions; with the stage `describe`"),
    Part("predictivity.csv", "with `[encoding] enabled = true` and the stage `predict`"),
    Part("fitting.csv", "with `[encoding] enabled = true`, `networks` and the stage `predict`"),
    Part("failures.csv", "where something failed"),
    Part("rdms.nc"),
    Part("representations.nc"),
    Part("populations.nc", "with the stage `describe`"),
    Part("stimuli.png"),
    Part("models/"),
    Part("figures/"),
    Part(REPORT, "written by `normenc run`"),
)


def part_of(path: str) -> Part:
    """The part of a run to which a file belongs, by its path in the folder.

    Raises
    ------
    KeyError
        When no run has such a file: list it above, and on the page of a run's folder.

    Examples
    --------
    >>> part_of("models/FC_seed12.safetensors").name, part_of("tuning.csv").when
    ('models/', 'orientations, directions; with the stage `describe`')
    """
    first, slash, _ = path.partition("/")
    for part in PARTS:
        if part.name == first + slash:
            return part
    raise KeyError(f"{path} is no file of a run; list it in normenc.study.layout")
