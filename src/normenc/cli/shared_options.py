"""Options that several commands have: the study, what is printed, and the workers of a cluster."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from normenc.cli.completing import complete_recording, complete_study
from normenc.cli.guard import Interrupted
from normenc.cli.options import Command, adding, parameter, takes_recording
from normenc.cli.terminal import echo_json, only_json, saying
from normenc.errors import InputError

__all__ = ["DEVICE", "Found", "reports", "takes_scheduler", "takes_study"]

DEVICE = Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="Where to train.")]
PREPARATION = parameter("preparation", Any)  # which takes_recording fills
WORKERS = (int, "Processes; by default one per core for many networks.", {"metavar": "N", "min": 1})
CLUSTER: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "scheduler": (
        str,
        "Train and read on the workers of this Dask scheduler: tls://HOST:PORT, where TLS keeps others out.",
        {"metavar": "ADDRESS"},
    ),
    "tls_ca": (Path, "The certificate authority of the scheduler and its workers (PEM).", {"metavar": "FILE"}),
    "tls_cert": (Path, "Your own certificate (PEM).", {"metavar": "FILE"}),
    "tls_key": (Path, "The key of your own certificate (PEM).", {"metavar": "FILE"}),
    "wait": (float, "How long to wait for the scheduler and its workers; 60 by default.", {"metavar": "SECONDS"}),
}


@dataclass(frozen=True)
class Found:
    """What a command found, for programs.

    Attributes
    ----------
    values : mapping, list, or callable
        Printed as JSON with ``--json``; what takes a while to tell is a function that gives it.
    holds : bool
        Whether all could be done, and all holds: if not, the exit code is 1.
    """

    values: Mapping[str, Any] | list[Any] | Callable[[], Any]
    holds: bool = True

    def told(self) -> Any:
        """The values."""
        return self.values() if callable(self.values) else self.values


def reports(*, interrupted: str | None = None) -> Callable[[Command], Command]:
    """Give a command, which returns what it :class:`Found`, the options ``--json`` and ``--quiet``.

    Parameters
    ----------
    interrupted : str, optional
        What is said after Ctrl-C.
    """

    def call(command: Command, given: dict[str, Any]) -> None:
        from normenc.progress import reporting

        as_json, quiet = given.pop("as_json"), given.pop("quiet")
        with saying("nothing" if as_json else "results" if quiet else "everything", warnings=not quiet):
            try:
                with reporting(False) if quiet else nullcontext(), only_json() if as_json else nullcontext():
                    found = command(**given)
                    told = found.told() if as_json else None
            except KeyboardInterrupt:
                if interrupted is None:
                    raise
                raise Interrupted(interrupted) from None
        if as_json:
            echo_json(told)
        if not found.holds:
            raise typer.Exit(1)

    own = [
        ("as_json", "--json", "Print what was found as JSON, for programs, and nothing else."),
        ("quiet", "--quiet", "Print errors and where the result is, and nothing else."),
    ]
    parameters = [
        parameter(name, Annotated[bool, typer.Option(flag, help=said)], default=False) for name, flag, said in own
    ]
    return adding(parameters, call, last=True)


def takes_study(section: str = "", *, recording: str, out: str) -> Callable[[Command], Command]:
    """Give a command a study, by its file or its name, and the options that change it.

    The study, changed, reaches it as ``settings``.

    Parameters
    ----------
    section : str
        That of a study file which the command reads beside others.
    recording : str
        What ``--recording`` does.
    out : str
        What ``--out`` names, and its default.
    """

    def call(command: Command, given: dict[str, Any]) -> Any:
        from normenc.extras import needs_nets

        needs_nets(f"normenc {section or 'run'}")
        from normenc.study import Study, load_study

        study = given.pop("study")
        changes = {name: given.pop(name) for name in ("recording", "preparation")}
        settings = load_study(study) if study else Study()
        return command(**given, settings=settings.with_changes(**changes))

    with_section = f" with a section [{section}]" if section else ""
    said = f"A study file (TOML){with_section}, or the name of an example; without one, the reference study."
    file = typer.Argument(help=said, metavar="STUDY.toml", autocompletion=complete_study)
    name = typer.Option(metavar="NAME|FILE", help=recording, autocompletion=complete_recording)
    parameters = [
        parameter("study", Annotated[Path | None, file]),
        parameter("recording", Annotated[str | None, name]),
        parameter("out", Annotated[Path | None, typer.Option(metavar="DIR", help=out)]),
        parameter("device", DEVICE, default="auto"),
    ]
    # "out" and "device" are the command's own, declared here.
    add = adding([*parameters, PREPARATION], call, instead_of="settings out device")
    return lambda command: takes_recording(add(command))


def takes_scheduler(command: Command) -> Command:
    """Give a command the options of processes and of a cluster; what they say reaches it as ``workers``, or None."""

    def call(command: Command, given: dict[str, Any]) -> Any:
        options = {name: given.pop(name) for name in CLUSTER}
        if options["scheduler"] is not None and given["workers"] is not None:
            raise InputError(
                "--workers starts processes here and --scheduler uses those of a cluster; give one of them"
            )
        return command(**given | {"workers": _scheduler_of(options.pop("scheduler"), **options) or given["workers"]})

    parameters = [
        parameter(name, Annotated[kind | None, typer.Option(help=said, **more)])
        for name, (kind, said, more) in {"workers": WORKERS, **CLUSTER}.items()
    ]
    return adding(parameters, call, instead_of="workers", last=True)(command)


def _scheduler_of(address: str | None, **options: Any) -> Any:
    """The scheduler that the options name, whose certificates are there; None without one."""
    given = {name: value for name, value in options.items() if value is not None}
    if address is None:
        if given:
            flags = ", ".join(f"--{name.replace('_', '-')}" for name in given)
            raise InputError(f"{flags} can only be given with a scheduler; name it with --scheduler ADDRESS")
        return None
    from normenc.study import Scheduler

    scheduler = Scheduler(address, **given)
    scheduler.security()
    return scheduler
