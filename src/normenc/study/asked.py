"""The study that a function's arguments ask for."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from normenc.recordings import Preparation
from normenc.study.given import check_is
from normenc.study.settings import Study

__all__ = ["asked_study"]


def asked_study(
    study: Study | None,
    recording: str | Path | None,
    preparation: Preparation | None,
    options: Mapping[str, Any],
    out: str | Path | None = None,
) -> Study:
    """The study of a function's arguments: the reference study by default, and changed as they say.

    Raises
    ------
    InputError
        When an argument is of another type, such as a recording in memory where its file is needed.
    """
    check_is(study, "study", Study, "a normenc.study.Study")
    check_is(out, "out", str | PathLike, "the folder to write")
    study = study or Study()
    if recording is None and preparation is None and not options:
        return study
    return study.with_changes(recording=recording, preparation=Preparation.of(preparation, **options))
