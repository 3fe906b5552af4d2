"""The study file: TOML, validated once, when it is read.

``Study()`` is the reference study, so that every default is a value of that study.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import tomli_w
from pydantic import BeforeValidator, Field, ValidationError, model_validator

from normenc.encoders import Naming
from normenc.errors import InputError, quoted
from normenc.recordings.preparation import Preparation
from normenc.recordings.simulation import SETTINGS
from normenc.runs.older_keys import with_todays_keys
from normenc.runs.stages import check_stages
from normenc.showing import Shown, facts, in_short
from normenc.study.building import compared_by_default, layers_there
from normenc.study.consistency import check_labels, check_trained, without_training
from normenc.study.encoder_settings import EncoderSettings
from normenc.study.faults import describe_faults
from normenc.study.given import absolute, recording_name, source_in
from normenc.study.own_code import importing_from
from normenc.study.parts import AnyNetwork, AnyTask, NetworkSettings, TaskSettings
from normenc.study.quick import quickened
from normenc.study.reading import read_toml
from normenc.study.section_base import Once, Settings
from normenc.study.sections import (
    ComparisonSettings,
    DesignSettings,
    EncodingSettings,
    IdentifySettings,
    PowerSettings,
    RecordingSettings,
    TrainingSettings,
)
from normenc.study.shipped import study_file
from normenc.study.stimulus_settings import StimulusSettings, joined_sets
from normenc.texts import escaped
from normenc.training import Recipe

__all__ = ["Study", "load_study", "study_of"]


OF_THE_MACHINE = {"drawing_processes"}  # of training: settings that change no result


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


class Study(Shown, Settings):
    """All settings of a study; its defaults are the reference study.

    Sections ``recording``, ``task``, ``network`` and ``encoder`` may stand several times (``[[task]]``): every task is
    learned by every network from every seed, and compared with every recording. Encoders are not trained; with them,
    and neither task nor network, a study trains nothing.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")] = "reference"
    stages: Annotated[list[str], Once] | None = None
    quick: bool | None = None
    recording: Annotated[list[RecordingSettings], Field(min_length=1), BeforeValidator(_as_list)] = Field(
        default=[RecordingSettings()]
    )
    stimuli: Annotated[StimulusSettings, BeforeValidator(joined_sets)] = StimulusSettings()
    task: Annotated[list[AnyTask], BeforeValidator(_as_list)] = Field(
        default=[TaskSettings.named("tilt-discrimination")]
    )
    network: Annotated[list[AnyNetwork], BeforeValidator(_as_list)] = Field(
        default=[NetworkSettings.named("ConvPoolFC")]
    )
    encoder: Annotated[list[EncoderSettings], BeforeValidator(_as_list)] = Field(default=[])
    training: TrainingSettings = TrainingSettings()
    comparison: ComparisonSettings = ComparisonSettings()
    encoding: EncodingSettings = EncodingSettings()
    power: PowerSettings = PowerSettings()
    design: DesignSettings = DesignSettings()
    identify: IdentifySettings = IdentifySettings()

    @model_validator(mode="before")
    @classmethod
    def _todays_keys(cls, settings: Any) -> Any:
        if not isinstance(settings, Mapping):
            return settings
        settings = without_training(with_todays_keys(settings, warn=True))
        return quickened(settings) if settings.get("quick") is True else settings

    @model_validator(mode="after")
    def _stages_make_a_run(self) -> "Study":
        if self.stages is not None:
            check_stages(self.stages)
            if "compare" not in self.stages:
                raise ValueError(
                    f"stages: given {self.stages}; every run needs the stage compare; "
                    "normenc.study.represent gives representations alone"
                )
            if "predict" in self.stages and not self.encoding.enabled:
                raise ValueError("stages: predict needs enabled = true in the section [encoding]")
        return self

    @model_validator(mode="after")
    def _layers_are_there(self) -> "Study":
        layers = self.comparison.layers
        if layers is None or layers == "all" or not self.network:
            return self
        there = list(dict.fromkeys(layer for network in self.network for layer in self._layers_there(network)))
        names = " and ".join(network.title for network in self.network)
        for layer in layers:
            if layer not in there:
                raise ValueError(
                    f"comparison.layers: given {layer!r}; layers of {names} that can be compared are {', '.join(there)}"
                )
        if len(set(layers)) < len(layers):
            raise ValueError(f"comparison.layers: given {layers}; list each layer once")
        for network in self.network:
            if not set(layers) & set(own := self._layers_there(network)):
                raise ValueError(
                    f"comparison.layers: given {layers}; {network.title} has none of them; its layers are "
                    f"{', '.join(own)}"
                )
        return self

    @model_validator(mode="after")
    def _parts_agree(self) -> "Study":
        check_trained(self)
        check_labels(self)
        return self

    @model_validator(mode="after")
    def _training_is_possible(self) -> "Study":
        for task, network in product(self.task, self.network):
            training = self.training_of(task, network)
            n_epochs = training["n_epochs"]
            for epoch in self.training.checkpoints:
                if epoch > n_epochs:
                    raise ValueError(
                        f"training.checkpoints: given {epoch}; {network.title} is trained on {task.title} for "
                        f"{n_epochs} epochs, and none may be later"
                    )
            try:
                Recipe(**training)
            except InputError as error:
                raise ValueError(f"training: {error}") from None
        return self

    @property
    def is_grid(self) -> bool:
        """Whether there are several tasks or networks, or encoders, of which each has many layers."""
        return len(self.task) > 1 or len(self.network) > 1 or bool(self.encoder)

    @property
    def naming(self) -> Naming:
        """How the study's encoders are called."""
        several = len(self.network) + len(self.encoder) > 1
        return Naming(with_task=len(self.task) > 1, with_network=several)

    def layers_of(self, network: NetworkSettings) -> tuple[str, ...]:
        """The layers to compare: those asked for, or the last convolutional or pooling layer and ``fc``."""
        asked, there = self.comparison.layers, self._layers_there(network)
        if asked is None:
            return compared_by_default(there)
        return there if asked == "all" else tuple(layer for layer in asked if layer in there)

    def _layers_there(self, network: NetworkSettings) -> tuple[str, ...]:
        return layers_there(network, self.stimuli)

    def training_of(self, task: TaskSettings, network: NetworkSettings) -> dict[str, Any]:
        """Arguments for :func:`normenc.training.train`: the study's, changed by the task, then by the network."""
        options = self.training.model_dump(exclude={"seed", "n_seeds", "n_untrained", *OF_THE_MACHINE})
        for section in (task, network):
            options |= section.training.model_dump(exclude_none=True)
        return options

    @property
    def seeds(self) -> list[int]:
        """The training seeds: ``n_seeds`` of them from ``seed`` on; none where nothing is trained."""
        return [(self.training.seed + k) % 2**32 for k in range(self.training.n_seeds * bool(self.network))]

    @property
    def untrained_seeds(self) -> list[int]:
        """The untrained twins' seeds: those of training, or ``n_untrained`` of them where only one is trained."""
        n = self.training.n_seeds if self.training.n_seeds > 1 else self.training.n_untrained
        if not self.network:
            n = next((own.untrained for own in self.encoder if own.untrained is not None), n)
        return [(self.training.seed + k) % 2**32 for k in range(n)]

    def per_recording(self) -> list["Study"]:
        """Make one study a recording, alike in all else."""
        return [self.model_copy(update={"recording": [recording]}) for recording in self.recording]

    def with_changes(
        self,
        *,
        recording: str | Path | None = None,
        seed: int | None = None,
        n_seeds: int | None = None,
        drawing_processes: int | None = None,
        preparation: Preparation | Mapping[str, Any] | None = None,
        stages: Sequence[str] | None = None,
    ) -> "Study":
        """Give this study another recording, recordings another preparation, other seeds, drawing processes or stages.

        With another recording, settings of the former ones are dropped.
        """
        given = Preparation.of(preparation).settings()
        recording = recording_name(recording)
        settings = self.model_dump()
        if recording is not None and recording not in [own.source for own in self.recording]:
            settings["recording"] = [{"source": source_in(recording, Path())}]
        elif recording is not None:
            settings["recording"] = [own for own in settings["recording"] if own["source"] == recording]
        for own in settings["recording"]:
            own |= given
            if own.get("images") is not None:
                own["images"] = absolute(own["images"], Path())
        training = {"seed": seed, "n_seeds": n_seeds, "drawing_processes": drawing_processes}
        settings["training"] |= {key: value for key, value in training.items() if value is not None}
        if stages is not None:
            settings["stages"] = [stages] if isinstance(stages, str) else list(stages)
        return _validated(settings, "study")

    def as_quick(self) -> "Study":
        """Make a quick look of this study: one seed, fewest samples, the main comparison and three pictures."""
        return _validated(quickened(self.model_dump()), "study")

    def with_design(self, **given: Any) -> "Study":
        """Give the section ``[design]`` other settings, but for those that are None."""
        settings = self.model_dump()
        settings["design"] |= {key: value for key, value in given.items() if value is not None}
        return _validated(settings, "study")

    def summary(self) -> pd.DataFrame:
        """What is trained and compared: names are the index, values the column ``value``."""
        compared = f"{self.comparison.method} of RDMs by {self.rdm_metric}"
        own = [*self._parts.items(), ("seeds", len(self.seeds)), ("comparison", compared)]
        return facts([*own, ("stages", in_short(self.stages or ["all"]))])

    def _title(self) -> str:
        return ", ".join([self.name, *(own for own in self._parts.values() if own != "none")])

    @property
    def _parts(self) -> dict[str, str]:
        own = {name: [part.title for part in getattr(self, name)] for name in ("task", "network", "encoder")}
        return {name: in_short(of) for name, of in {"recording": [of.source for of in self.recording], **own}.items()}

    @property
    def rdm_metric(self) -> str:
        """Of the RDMs of models, and of a recording whose responses are known."""
        return self.comparison.rdm_metric or "correlation"

    def with_metric(self, metric: str) -> "Study":
        """Give models and recording RDMs of this metric."""
        return self.model_copy(update={"comparison": self.comparison.model_copy(update={"rdm_metric": metric})})

    def to_toml(self) -> str:
        """Write out every setting that counts, with its default where none was given, as a file that gives this study.

        Left out is what suits a machine: ``drawing_processes``.
        """
        unlike = {"training": OF_THE_MACHINE}
        settings = self.with_metric(self.rdm_metric).model_dump(exclude_none=True, exclude=unlike)
        settings = {section: values for section, values in settings.items() if values != []}
        for index, recording in enumerate(self.recording):
            defaults = SETTINGS.get(recording.source, {})
            settings["recording"][index] = defaults | settings["recording"][index]
        if len(self.task) == len(self.network) == 1 and self.comparison.layers is None:
            layers = list(self.layers_of(self.network[0]))
            settings["comparison"] = {"layers": layers} | settings["comparison"]
        for section, values in settings.items():
            if section not in ("name", "stages", "quick"):
                several = values if isinstance(values, list) else [values]
                given = [{key: value for key, value in each.items() if value != {}} for each in several]
                settings[section] = given if len(given) > 1 or section == "encoder" else given[0]
        # Invisible characters are written as escapes, which TOML allows in the texts that tomli_w writes.
        lines = tomli_w.dumps(settings).split("\n")
        return "\n".join(escaped(line, lambda character: f"\\U{ord(character):08x}") for line in lines)


def load_study(path: str | Path) -> Study:
    """Read a study file, or a study that comes with normenc by its name, such as ``"reference"``.

    A recording's file in it is looked for beside the study file, and so are files of weights and the modules of import
    paths. These are imported: load only a study that you would run.

    Raises
    ------
    InputError
        If the file is missing, is not TOML, or a key is unknown, has the wrong type or an impossible value; the
        message names file, key, what was given and what is allowed.
    """
    path = study_file(path)
    settings = read_toml(path)
    settings.setdefault("name", path.stem)
    return study_of(settings, path.parent, str(path))


def study_of(settings: Mapping[str, Any], folder: Path, origin: str) -> Study:
    """The study of a file's tables, whose paths are those of files in `folder`; `origin` begins messages of faults."""
    with importing_from(folder):
        study = _validated(dict(settings), origin)
    recordings = [
        own.model_copy(
            update={
                "source": source_in(own.source, folder),
                "images": own.images and absolute(own.images, folder),
            }
        )
        for own in study.recording
    ]
    tasks = [
        task.model_copy(update={"folder": absolute(images, folder)})
        if isinstance(images := getattr(task, "folder", None), str)
        else task
        for task in study.task
    ]
    encoders = [
        own.model_copy(update={"weights": absolute(own.weights_path, folder)}) if own.weights_path else own
        for own in study.encoder
    ]
    sources = [own.source for own in recordings]
    for source in sources:
        if sources.count(source) > 1:
            raise InputError(
                f"{origin}: recording: {quoted(source)} is listed {sources.count(source)} times; list each once"
            )
    shown = study.stimuli.beside(folder)
    parts = {"recording": recordings, "task": tasks, "encoder": encoders, "stimuli": shown}
    return study.model_copy(update=parts | {"design": study.design.beside(folder)})


def _validated(settings: dict[str, Any], origin: str) -> Study:
    try:
        return Study(**settings)
    except ValidationError as error:
        raise InputError(
            *(f"{origin}: {fault}" for fault in describe_faults(Study, error.errors(), settings))
        ) from None
