"""Whether a study's recording is fit, and whether its files are still what was read."""

import warnings
from pathlib import Path

from normenc import rsa
from normenc.errors import InputError, NormencWarning
from normenc.quality import Quality, check
from normenc.recordings.provenance import changed
from normenc.study.representing import Prepared
from normenc.texts import visible

__all__ = ["quality_of"]

MAX_NAMED = 3  # files in one line


def quality_of(prepared: Prepared, inference: rsa.Inference) -> tuple[Quality, tuple[Path, ...]]:
    """The quality of a recording, and those of its files that changed after they were read, of which it warns.

    The file is checked, because it says what is missing and the unit of its values. If there is none, or it is no
    longer what was read, the recording is checked as it is in memory.
    """
    quality = None
    if prepared.files and not changed(prepared.files):
        settings = prepared.study.recording[0]
        try:
            quality = check(settings.source, compared=inference, preparation=settings.preparation)
        except InputError:
            if not changed(prepared.files):
                raise
    since = tuple(changed(prepared.files))
    if since:
        names = ", ".join(path.name for path in since[:MAX_NAMED]) + ", ..." * (len(since) > MAX_NAMED)
        warnings.warn(
            f"{visible(names)} changed after the recording was read; all results are from the earlier content, which "
            "environment.json identifies by its SHA-256",
            NormencWarning,
            stacklevel=2,
        )
    return quality if quality is not None and not since else check(prepared.recording, compared=inference), since
