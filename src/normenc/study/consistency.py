"""What must agree between the sections of a study: labels, names of files, numbers of seeds, and what is trained."""

from itertools import product
from typing import TYPE_CHECKING

from normenc.study.encoder_settings import check_twins
from normenc.study.parts import control_of
from normenc.texts import file_stem

if TYPE_CHECKING:
    from normenc.study.settings import Study

__all__ = ["check_labels", "check_trained", "without_training"]


def without_training(settings: dict[str, object]) -> dict[str, object]:
    """Settings of encoders alone train nothing: without any task and network, none is filled in."""
    if settings.get("encoder", []) != [] and all(settings.get(part, []) == [] for part in ("task", "network")):
        return settings | {"task": [], "network": []}
    return settings


def check_trained(study: "Study") -> None:
    """Raise ValueError where there is nothing to compare, or settings are of networks that no section names."""
    if bool(study.task) != bool(study.network):
        lacking, other = ("task", "network") if study.network else ("network", "task")
        raise ValueError(f"{lacking}: there is none, but there is a {other}; give both, or neither with an encoder")
    if not study.task and not study.encoder:
        raise ValueError("task and network: there are none, and no encoder; name something to compare")
    if study.training.drawing_processes and not any(task.options.get("n_train") == "fresh" for task in study.task):
        raise ValueError(
            f"training.drawing_processes: given {study.training.drawing_processes}, but no task has fresh stimuli to "
            "draw while networks train; give one n_train = 'fresh', or leave it out"
        )
    if study.task:
        check_twins(study.encoder, len(study.untrained_seeds))
        return
    check_twins(study.encoder, None)
    training, none = study.training, "but this study trains no network"
    if study.comparison.layers is not None:
        raise ValueError(
            f"comparison.layers: given {study.comparison.layers}, {none}; give layers in the section [[encoder]]"
        )
    if training.checkpoints:
        raise ValueError(f"training.checkpoints: given {training.checkpoints}, {none}; leave it out")
    if training.n_seeds > 1:
        raise ValueError(
            f"training.n_seeds: given {training.n_seeds}, {none}; the seeds of untrained networks are counted by "
            "untrained in the section [[encoder]]"
        )


def check_labels(study: "Study") -> None:
    """Raise ValueError where two parts of one kind, or a network and an encoder, have one label."""
    for section, titles in (
        ("task", [task.title for task in study.task]),
        ("network", [network.title for network in study.network]),
        ("encoder", [encoder.title for encoder in study.encoder]),
        ("recording", [recording.source for recording in study.recording]),
        ("comparison.controls", [control_of(entry).title for entry in study.comparison.controls]),
    ):
        for title in titles:
            if titles.count(title) > 1:
                hint = "name each once" if section == "recording" else "give each a label of its own"
                raise ValueError(f"{section}: there are {titles.count(title)} called {title!r}; {hint}")
    controls = {control_of(entry).title.casefold() for entry in study.comparison.controls}
    for encoder in study.encoder:
        if encoder.title.casefold() in controls:
            raise ValueError(f"encoder: {encoder.title!r} is also the name of a control; give it a label of its own")
    _check_file_names(study)


def _check_file_names(study: "Study") -> None:
    """Raise ValueError where two networks, or their files on some disks, would have one name."""
    named: dict[str, str] = {}
    called: dict[str, str] = {}
    for task, network in product(study.task, study.network):
        own = f"{task.title!r} and {network.title!r}"
        other = named.setdefault(file_stem(task.title, network.title).casefold(), own)
        if other != own:
            raise ValueError(
                f"task and network: files of {other} would have the same name as those of {own}; give them labels "
                "that differ by more than capitals"
            )
        other = called.setdefault(f"{task.title} {network.title}", own)
        if other != own and len(study.task) > 1:
            raise ValueError(
                f"task and network: {other} would be called {task.title} {network.title} in tables and pictures, "
                f"as would {own}; give them other labels"
            )
    alone: dict[str, str] = {}
    for own in (*(network.title for network in study.network), *(encoder.title for encoder in study.encoder)):
        stem = file_stem(own).casefold()
        if stem in alone:
            raise ValueError(
                f"network and encoder: {alone[stem]!r} and {own!r} would have the same name in files; give them labels "
                "that differ by more than capitals"
            )
        alone[stem] = own
