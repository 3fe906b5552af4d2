"""Whether a study's recording is fit, and whether its files are still what was read."""

import warnings
from pathlib import Path

from normenc import rsa
from normenc.errors import InputError, NormencWarning
from normenc.quality import Quality, check
from normenc.recordings import load
from normenc.recordings.provenance import changed
from normenc.recordings.sources import SOURCES
from normenc.study.representing import Prepared
from normenc.study.settings import Study
from normenc.study.shown import Shown
from normenc.texts import visible

__all__ = ["check_recordings", "quality_of"]

MAX_NAMED = 3  # files in one line


def check_recordings(study: Study, *, seed: int = 0) -> tuple[Quality, ...]:
    """Check a study's recordings as the study reads, prepares and shows them, before anything is compared.

    Images are those of the section ``[stimuli]``, and models see the part of them that lies in the animal's field.

    Parameters
    ----------
    study : Study
    seed : int
        Seed of random halves and permutations.

    Returns
    -------
    tuple of Quality
        One for each recording, see :func:`normenc.quality.check`.

    Raises
    ------
    InputError
        If a file cannot be read, nothing is left, or images do not fit the settings.

    Examples
    --------
    >>> study = Study(name="small", recording={"source": "simulated-v1", "n_neurons": 100})
    >>> [quality.n_neurons for quality in check_recordings(study)]
    [100]
    """
    return tuple(_checked(own, seed=seed) for own in study.per_recording())


def quality_of(prepared: Prepared, inference: rsa.Inference) -> tuple[Quality, tuple[Path, ...]]:
    """The quality of a recording, and those of its files that changed after they were read, of which it warns.

    The file is checked, because it says what is missing and the unit of its values. If there is none, or it is no
    longer what was read, the recording is checked as it is in memory.
    """
    quality = None
    if prepared.files and not changed(prepared.files):
        try:
            quality = _checked(prepared.study, inference)
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
    if quality is None or since:
        quality = check(prepared.recording, compared=inference, seen=lambda _: prepared.shown.for_check())
    return quality, since


def _checked(study: Study, compared: rsa.Inference | None = None, *, seed: int = 0) -> Quality:
    """Check the first recording of a study."""
    settings = study.recording[0]
    own = study.stimuli.with_images(settings.preparation)
    source = SOURCES.get(settings.source)
    if source is not None and source.url is None:
        recording = load(settings.source, **settings.simulation, preparation=own)
        return check(
            recording, seed=seed, compared=compared, seen=lambda _: Shown(recording, study.stimuli).for_check()
        )
    return check(
        settings.source,
        seed=seed,
        compared=compared,
        preparation=own,
        seen=lambda recording: Shown(recording, study.stimuli).for_check(),
    )
