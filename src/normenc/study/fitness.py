"""Whether a study's recording is fit, and whether its files are still what was read."""

import warnings
from pathlib import Path

from normenc import rsa
from normenc.errors import InputError, NormencWarning
from normenc.quality import Quality, Seen, check
from normenc.quality.checking import quality_from
from normenc.quality.reading import as_given, read_again
from normenc.recordings import Recording, load
from normenc.recordings.provenance import changed
from normenc.recordings.public.names import is_read_as_file
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

    The recording is checked as it is in memory. What its file holds, before anything was prepared, is looked at in the
    file, unless there is none or it is no longer what was read.
    """
    checked = None
    if prepared.files and _is_file(prepared.study) and not changed(prepared.files):
        own = prepared.study.recording[0]
        asked = prepared.study.stimuli.with_images(own.preparation)
        try:
            checked = read_again(own.source, asked, prepared.recording, prepared.described)
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
    if checked is None or since:
        checked = as_given(prepared.recording)
    # A check's RDMs are of correlations, and where it reads fewer neurons than a study, they are not the study's.
    same = prepared.study.rdm_metric == "correlation" and checked.recording is prepared.recording
    inputs = prepared.inputs if same else None
    return quality_from(checked, 0, inference, seen=lambda _: prepared.shown.for_check(), inputs=inputs), since


def _is_file(study: Study) -> bool:
    return is_read_as_file(study.recording[0].source)


def _checked(study: Study, *, seed: int = 0) -> Quality:
    """Check the first recording of a study."""
    settings = study.recording[0]
    own = study.stimuli.with_images(settings.preparation)

    def seen(recording: Recording) -> Seen:
        return Shown(recording, study.stimuli).for_check()

    if _is_file(study):
        return check(settings.source, seed=seed, preparation=own, seen=seen)
    return check(load(settings.source, **settings.simulation, preparation=own), seed=seed, seen=seen)
