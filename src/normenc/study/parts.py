"""Tasks, networks, controls and measures that a study names: normenc's own by name, a user's own by import path.

A section's keys are the fields of the task's dataclass, or the parameters of the network or control, with their types,
bounds and defaults.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from inspect import signature
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import PlainValidator, SerializeAsAny, ValidationError, create_model, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from normenc.controls import CONTROLS
from normenc.errors import InputError, quoted
from normenc.networks import NETWORKS
from normenc.study.contracts import Keys, keys_of_control, keys_of_network, keys_of_task
from normenc.study.key_types import in_toml, is_list, plain
from normenc.study.own_code import import_part, is_import_path
from normenc.study.section_base import MOST_OF_LABEL, GratingSettings, Label, Settings
from normenc.study.training_changes import TrainingChanges
from normenc.tasks import TASKS, SeveralTasks
from normenc.tasks.gratings import GratingTask

__all__ = [
    "AnyControl",
    "AnyNetwork",
    "AnyTask",
    "ControlSettings",
    "NetworkSettings",
    "TaskSettings",
    "control_of",
    "section_of",
]


@dataclass(frozen=True)
class Origin:
    """What a section was made from.

    Attributes
    ----------
    part : callable
        The task's dataclass, the network, or the control.
    lists : frozenset of str
        Keys that it takes as lists, and not as tuples.
    shared : frozenset of str
        Keys that the study's section ``[stimuli]`` gives where they are left out.
    """

    part: Any
    lists: frozenset[str]
    shared: frozenset[str]


class PartSettings(Settings):
    """The section of a task, network or control: its own keys, and these."""

    part_kind: ClassVar[str]
    origin: ClassVar[Origin]

    name: str
    label: Label | None = None

    @classmethod
    def named(cls, name: str) -> Self:
        """The task, network or control of this name or import path, with its defaults."""
        settings: Self = section_of(cls.part_kind, name)(name=name)  # type: ignore[assignment]
        return settings

    @property
    def title(self) -> str:
        """What it is called in tables and pictures."""
        return self.label or self.name

    @property
    def options(self) -> dict[str, Any]:
        """The keys of the task, network or control itself, as it takes them."""
        own = self.model_dump(exclude=set(COMMON))
        lists = self.origin.lists
        return {key: tuple(v) if isinstance(v, list) and key not in lists else v for key, v in own.items()}

    def __hash__(self) -> int:  # other keys may be lists
        return hash((self.part_kind, self.name, self.label))

    def __reduce__(self) -> tuple[Any, ...]:  # its class is made when it is read
        return _read, (self.part_kind, self.model_dump())


class TrainedSettings(PartSettings):
    """The section of a task or network, which may be trained in a way of its own."""

    if TYPE_CHECKING:  # among its keys it stands after those of size
        training: TrainingChanges


class TaskSettings(TrainedSettings):
    """The section of a task, see :mod:`normenc.tasks`."""

    part_kind = "task"


class NetworkSettings(TrainedSettings):
    """The section of a network, see :mod:`normenc.networks`."""

    part_kind = "network"

    @model_validator(mode="before")
    @classmethod
    def _labelled(cls, given: Any) -> Any:
        """Without a label, take as one the key by which the network wants to be called."""
        key = getattr(cls.origin.part, "title_key", None)
        if isinstance(given, Mapping) and given.get("label") is None and isinstance(given.get(key), str):
            return {**given, "label": given[key][:MOST_OF_LABEL]}
        return given


class ControlSettings(PartSettings):
    """A control, with keys of its own, see :mod:`normenc.controls`."""

    part_kind = "control"

    @property
    def sees(self) -> str:
        """What it is given, which its first parameter says: ``"images"``, or ``"orientation"`` in degrees."""
        return next(iter(signature(self.origin.part).parameters))


@dataclass(frozen=True)
class PartKind:
    """What holds for all tasks, networks or controls: their section, their names, and how keys are found."""

    base: type[PartSettings]
    table: Mapping[str, Any]
    default: str
    keys_of: Any


COMMON = ("name", "label", "training")  # keys
SIZES = ("n_train", "n_test", "n_per_epoch", "n_hidden")  # keys that stand before all others
PART_KINDS = {
    "task": PartKind(TaskSettings, TASKS, "tilt-discrimination", keys_of_task),
    "network": PartKind(NetworkSettings, NETWORKS, "ConvPoolFC", keys_of_network),
    "control": PartKind(ControlSettings, CONTROLS, "pixels", keys_of_control),
}


def section_of(part_kind: str, name: str) -> type[PartSettings]:
    """The settings of a task, network or control, by its name or its import path.

    Raises
    ------
    InputError
        If there is none, or it is not a task, network or control.

    Examples
    --------
    >>> list(section_of("network", "FC").model_fields)
    ['name', 'label', 'n_hidden', 'training']
    """
    table = PART_KINDS[part_kind].table
    if name in table:
        return _section(part_kind, name, table[name])
    if not is_import_path(name):
        *others, last = (
            repr(known) for known in (sorted(table, key=str.casefold) if part_kind == "control" else table)
        )
        raise InputError(
            f"given {quoted(name)}; it should be {', '.join(others)} or {last}, or the import path of your own "
            f"{part_kind}, as in 'my_lab.parts:Mine'"
        )
    return _section(part_kind, name, import_part(name))


@cache
def _section(part_kind: str, name: str, part: Any) -> type[PartSettings]:
    base = PART_KINDS[part_kind].base
    try:
        keys: Keys = PART_KINDS[part_kind].keys_of(part)
        shared = _shared(keys) if part_kind == "task" and issubclass(part, GratingTask | SeveralTasks) else {}
        sizes = [key for key in SIZES if key in keys]
        fields = {key: _field(base, key, *keys[key]) for key in sizes}
        if issubclass(base, TrainedSettings):
            fields["training"] = TrainingChanges, TrainingChanges()
        rest = shared | {key: value for key, value in keys.items() if key not in shared and key not in sizes}
        fields |= {key: _field(base, key, *rest[key]) for key in rest}
        if is_import_path(name):
            fields["label"] = (Label | None, name.rpartition(":")[2].rpartition(".")[2][:MOST_OF_LABEL])
        made = create_model(f"{name} {base.__name__}", __base__=base, **fields)
        lists = frozenset(key for key, (annotation, _) in keys.items() if is_list(annotation))
        made.origin = Origin(part, lists, frozenset(shared))
        _check_defaults(
            name, made, {key: value for key, (_, value) in fields.items() if key in keys and value not in (..., None)}
        )
    except InputError as error:
        raise InputError(f"given {quoted(name)}; {error}") from None
    return made


def _shared(keys: Keys) -> Keys:
    """Keys of gratings that the study states for all, where the class has the same default."""
    stated = {key: field.default for key, field in GratingSettings.model_fields.items()}
    return {key: (keys[key][0] | None, None) for key in stated if key in keys and keys[key][1] == stated[key]}


def _field(base: type[PartSettings], key: str, annotation: Any, default: Any) -> Any:
    if key.startswith("_") or hasattr(base, key) or key in COMMON:
        raise InputError(f"its key {key!r} has a name that study files use for something else; rename it")
    try:
        return in_toml(annotation), plain(default)
    except InputError as error:
        raise InputError(f"its key {key!r} {error}") from None


def _check_defaults(name: str, section: type[PartSettings], defaults: Mapping[str, Any]) -> None:
    """Raise InputError if a default is not of its own type: a run's settings could not be read again."""
    try:
        section.model_validate({"name": name, **defaults})
    except ValidationError as error:
        for problem in error.errors():
            if (key := str(problem["loc"][0])) in defaults:
                raise InputError(
                    f"the default of its key {key!r} is {quoted(defaults[key])}, which the key's own type does not "
                    f"allow ({problem['msg']}); correct one of the two"
                ) from None


def control_of(entry: str | ControlSettings) -> ControlSettings:
    """An entry of ``comparison.controls``, which may be a name alone, with all its settings."""
    return entry if isinstance(entry, ControlSettings) else ControlSettings.named(entry)


def _read(part_kind: str, value: Any) -> Any:
    """A section of a study file, or settings as they are."""
    if isinstance(value, PART_KINDS[part_kind].base):
        return value
    default = PART_KINDS[part_kind].default
    name = value.get("name", default) if isinstance(value, Mapping) else default
    if not isinstance(name, str):
        raise _fault(f"given {quoted(name)}; it should be a text", name, "name")
    try:
        section = section_of(part_kind, name)
    except InputError as error:
        raise _fault(str(error), name, "name") from None
    return section.model_validate({"name": name, **value} if isinstance(value, Mapping) else value)


def _read_control(value: Any) -> Any:
    """A control: its name, which stays one, or a table."""
    is_table = isinstance(value, Mapping) and "name" in value
    if not (is_table or isinstance(value, str | ControlSettings)):
        raise _fault(
            f"given {quoted(value)}; it should be the name of a control, or a table of its name and keys", value
        )
    if not isinstance(value, str):
        return _read("control", value)
    try:
        ControlSettings.named(value)
    except InputError as error:
        raise _fault(str(error), value) from None
    return value


def _fault(message: str, value: Any, *where: str) -> ValidationError:
    problem = InitErrorDetails(
        type=PydanticCustomError("value_error", "{said}", {"said": message}), input=value, loc=where
    )
    return ValidationError.from_exception_data("part", [problem])


AnyTask = Annotated[SerializeAsAny[TaskSettings], PlainValidator(partial(_read, "task"))]
AnyNetwork = Annotated[SerializeAsAny[NetworkSettings], PlainValidator(partial(_read, "network"))]
AnyControl = Annotated[str | SerializeAsAny[ControlSettings], PlainValidator(_read_control)]
