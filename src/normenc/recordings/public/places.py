"""Where a public file lies: from a short place to its address, its size and its checksum, by the archive's own API.

==================================  ====================================================================
place                               archive
==================================  ====================================================================
``https://...``                     any server; neither size nor checksum is known beforehand
``dandi:DANDISET/VERSION/PATH``     DANDI; ``*`` in the path stands for any characters
``figshare:ARTICLE/FILE``           figshare; the file by its name or number
``osf:ID``, ``osf:PROJECT/PATH``    Open Science Framework; a file by its own ID, or by its path in a project
``gin:OWNER/REPOSITORY/PATH``       G-Node Infrastructure
``zenodo:RECORD/FILE``              Zenodo
==================================  ====================================================================
"""

from collections.abc import Callable
from dataclasses import dataclass

from normenc.errors import InputError
from normenc.recordings.public import archives
from normenc.recordings.public.asking import Asking, SourceError

__all__ = ["Located", "locate", "page_of"]


@dataclass(frozen=True)
class Located:
    """A file that an archive has.

    Attributes
    ----------
    address : str
        From which it is downloaded.
    size : int or None
        Bytes.
    checksum : str or None
        As the archive states it, such as ``"sha256:..."``.
    """

    address: str
    size: int | None = None
    checksum: str | None = None


ARCHIVES: dict[str, Callable[[str, Asking], tuple[str, int | None, str | None]]] = {
    "dandi": archives.dandi,
    "figshare": archives.figshare,
    "osf": archives.osf,
    "gin": archives.gin,
    "zenodo": archives.zenodo,
}


def locate(place: str, *, timeout: float = 30.0) -> Located:
    """Ask the archive where a file is.

    Parameters
    ----------
    place : str
    timeout : float
        Seconds to wait for an answer.

    Raises
    ------
    SourceError
        If the archive cannot be reached, or no longer has the file; in one line.
    InputError
        If this is no place.

    Examples
    --------
    >>> locate("https://example.org/a.npz")
    Located(address='https://example.org/a.npz', size=None, checksum=None)
    """
    scheme, rest = _parts(place)
    if scheme not in ARCHIVES:
        return Located(place)
    address, size, checksum = ARCHIVES[scheme](rest, Asking(timeout))
    if not address.startswith(("https://", "http://")):
        raise SourceError(f"{scheme} gives the address {address[:200]!r}, which is none of the web")
    return Located(address, size, checksum)


def page_of(place: str) -> str:
    """The address that a person opens to download the file by hand.

    Examples
    --------
    >>> page_of("figshare:6845348/a.mat"), page_of("osf:683xc")
    ('https://figshare.com/articles/dataset/_/6845348', 'https://osf.io/683xc')
    """
    scheme, rest = _parts(place)
    first, _, others = rest.partition("/")
    version, _, path = others.partition("/")
    return {
        "dandi": f"https://dandiarchive.org/dandiset/{first}/{version}/files?location={path.rpartition('/')[0]}",
        "figshare": f"https://figshare.com/articles/dataset/_/{first}",
        "osf": f"https://osf.io/{first}",
        "gin": f"https://gin.g-node.org/{first}/{version}",
        "zenodo": f"https://zenodo.org/records/{first}",
    }.get(scheme, place)


def _parts(place: str) -> tuple[str, str]:
    scheme, _, rest = place.partition(":")
    needed = {"dandi": 3, "figshare": 2, "osf": 1, "gin": 3, "zenodo": 2}
    if scheme in ("https", "http") and rest.startswith("//"):
        return scheme, rest
    parts = rest.split("/")
    if scheme not in needed or len(parts) < needed[scheme] or not all(parts):
        raise InputError(
            f"{place!r} is no place of a file; write https://..., dandi:DANDISET/VERSION/PATH, figshare:ARTICLE/FILE, "
            "osf:ID, osf:PROJECT/PATH, gin:OWNER/REPOSITORY/PATH or zenodo:RECORD/FILE"
        )
    return scheme, rest
