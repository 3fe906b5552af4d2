"""Stringer et al. (2021): about 20,000 neurons of mouse V1 under gratings."""

from collections.abc import Mapping
from pathlib import Path

from normenc.errors import InputError
from normenc.recordings.public.collection import Collection, RemoteFile
from normenc.recordings.recording import Recording

__all__ = ["COLLECTION"]

COURSE = RemoteFile(
    "W3D4_stringer_oribinned1.npz", "https://osf.io/683xc/download", checksum="md5:436599dfd8ebe6019f066c38aed20580"
)


def _files(session: str | None) -> tuple[RemoteFile, ...]:
    if session is not None:
        raise InputError("stringer2021 has no sessions; ask for stringer2021 alone")
    return (COURSE,)


def _read(files: Mapping[str, Path], session: str | None, options: Mapping[str, str]) -> Recording:
    from normenc.recordings.loading import load

    return load(files[COURSE.name])


COLLECTION = Collection(
    name="stringer2021",
    what="181 stimuli x about 23,600 neurons",
    species="mouse",
    area="V1",
    units="z-score over stimuli of responses normalised by spontaneous activity",
    citation=(
        "Stringer, Michaelos, Tsyboulski, Lindo & Pachitariu, High-precision coding in visual cortex, Cell 184 (2021)"
    ),
    licence="as stated at the source",
    source="https://osf.io/683xc",
    files=_files,
    read=_read,
    as_file=(None,),
)
