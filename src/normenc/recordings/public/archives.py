"""The public APIs of archives: what each answers about one file.

Each function takes the place without its scheme and gives address, size and checksum. Answers are read with care,
because an archive may change them: what is missing ends in one line.
"""

import base64
import difflib
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote

from normenc.recordings.public.asking import Asking, SourceError

__all__ = ["APIS", "dandi", "figshare", "gin", "osf", "zenodo"]

APIS = {
    "dandi": "https://api.dandiarchive.org/api",
    "figshare": "https://api.figshare.com/v2",
    "osf": "https://api.osf.io/v2",
    "gin": "https://gin.g-node.org",
    "zenodo": "https://zenodo.org/api",
}
"""The address of each archive's API."""

Answer = tuple[str, int | None, str | None]
PAGE = 100  # files in a part of a listing
MOST_PAGES = 200
ANNEX = re.compile(rb"annex/objects/(?:\S*/)?(MD5|SHA1|SHA256|SHA512)E?-s(\d+)--([0-9a-fA-F]+)")


def dandi(rest: str, ask: Asking) -> Answer:
    """DANDI: the asset of a path in a version of a dandiset; its metadata state the SHA-256."""
    dandiset, version, path = rest.split("/", 2)
    base = f"{APIS['dandi']}/dandisets/{dandiset}/versions/{version}/assets/"
    absent = f"DANDI has no version {version} of the dandiset {dandiset}"
    wanted = {"glob": path} if "*" in path else {"path": path}
    assets = list(_results(ask.json(base, absent=absent, page_size=PAGE, **wanted), ask))
    matches = fnmatchcase if "*" in path else str.__eq__
    own = [asset for asset in assets if matches(_text(asset, "path"), path)]
    if len(own) != 1:
        folder = path.rpartition("/")[0].partition("*")[0]
        beside = ask.json(base, page_size=PAGE, path=folder) if not own else {"results": own}
        there = [_text(asset, "path") for asset in _results(beside, ask)]
        if own:
            raise SourceError(f"{len(own)} files of the dandiset {dandiset} are called {path}: {', '.join(there[:5])}")
        raise SourceError(_renamed(f"the dandiset {dandiset} ({version})", path, there))
    if own[0].get("zarr"):
        raise SourceError(f"{path} of the dandiset {dandiset} is a Zarr store, and no single file")
    asset = _text(own[0], "asset_id")
    about = ask.json(f"{APIS['dandi']}/assets/{asset}/")
    digests = about.get("digest") if isinstance(about, dict) else None
    sha256 = digests.get("dandi:sha2-256") if isinstance(digests, dict) else None
    size = _size(own[0].get("size", about.get("contentSize") if isinstance(about, dict) else None))
    return f"{APIS['dandi']}/assets/{asset}/download/", size, _checksum("sha256", sha256)


def figshare(rest: str, ask: Asking) -> Answer:
    """Figshare: a file of an article by its name or number, with its MD5."""
    article, name = rest.split("/", 1)
    files: list[Any] = []
    for page in range(1, MOST_PAGES):
        part = ask.json(
            f"{APIS['figshare']}/articles/{article}/files",
            absent=f"figshare has no article {article}",
            page=page,
            page_size=PAGE,
        )
        files += part if isinstance(part, list) else []
        if not isinstance(part, list) or len(part) < PAGE:
            break
    own = _only(files, lambda file: name in (str(file.get("name")), str(file.get("id"))))
    if own is None:
        raise SourceError(_renamed(f"figshare article {article}", name, _names(files, "name")))
    checksum = own.get("computed_md5") or own.get("supplied_md5")
    return _text(own, "download_url"), _size(own.get("size")), _checksum("md5", checksum)


def osf(rest: str, ask: Asking) -> Answer:
    """OSF: a file by its ID, or by its path in a project's storage, with its SHA-256 or MD5."""
    project, _, path = rest.partition("/")
    if not path:
        file = _object(ask.json(f"{APIS['osf']}/files/{project}/", absent=f"OSF has no file {project}"), "data")
        return _of_osf(file)
    address = f"{APIS['osf']}/nodes/{project}/files/osfstorage/"
    parts = path.split("/")
    for k, part in enumerate(parts):
        is_last = k == len(parts) - 1
        items = list(_listing(address, ask, project))
        own = _only(items, lambda item, part=part: _object(item, "attributes").get("name") == part)
        if own is None:
            there = [str(_object(item, "attributes").get("name")) for item in items]
            raise SourceError(_renamed(f"the OSF project {project}", part, there))
        if is_last:
            return _of_osf(own)
        files = _object(_object(own, "relationships"), "files")
        address = _text(_object(_object(files, "links"), "related"), "href")
    raise SourceError(f"the OSF project {project} has no {path}")


def _listing(address: str, ask: Asking, project: str) -> Iterator[Any]:
    for _ in range(MOST_PAGES):
        page = ask.json(address, absent=f"OSF has no project {project}")
        yield from _list(page, "data")
        following = page.get("links", {}).get("next") if isinstance(page, dict) else None
        if not following:
            return
        address = str(following)


def _of_osf(file: Any) -> Answer:
    about = _object(file, "attributes")
    if about.get("kind", "file") != "file":
        raise SourceError(f"{about.get('name')} is a folder; name a file in it")
    extra = about.get("extra")
    hashes = extra.get("hashes") if isinstance(extra, dict) else None
    hashes = hashes if isinstance(hashes, dict) else {}
    checksum = _checksum("sha256", hashes.get("sha256")) or _checksum("md5", hashes.get("md5"))
    return _text(_object(file, "links"), "download"), _size(about.get("size")), checksum


def gin(rest: str, ask: Asking) -> Answer:
    """GIN: a file of a repository's main branch; a file of git-annex states its size and checksum in its key."""
    owner, repository, path = rest.split("/", 2)
    base = f"{APIS['gin']}/api/v1/repos/{owner}/{repository}"
    about = ask.json(base, absent=f"GIN has no repository {owner}/{repository}")
    branch = about.get("default_branch") if isinstance(about, dict) else None
    branch = str(branch or "master")
    address = f"{APIS['gin']}/{owner}/{repository}/raw/{quote(branch)}/{quote(path)}"
    try:
        own = ask.json(f"{base}/contents/{quote(path)}", absent="absent", ref=branch)
    except SourceError as error:
        if str(error) != "absent":  # the listing is a help; the file itself may be there without it
            return address, None, None
        folder, _, name = path.rpartition("/")
        beside = ask.json(f"{base}/contents/{quote(folder)}", ref=branch)
        there = _names(beside if isinstance(beside, list) else [], "name")
        raise SourceError(_renamed(f"the GIN repository {owner}/{repository}", name, there)) from None
    return (address, *_of_annex(own))


def _of_annex(own: Any) -> tuple[int | None, str | None]:
    """Size and checksum of what git-annex keeps; of a file that git itself keeps only the size."""
    if not isinstance(own, dict) or own.get("type") not in ("file", "symlink", None):
        return None, None
    content = own.get("target") or own.get("content") or ""
    try:
        pointer = str(content).encode() if own.get("type") == "symlink" else base64.b64decode(str(content))
    except ValueError:
        return None, None
    match = ANNEX.search(pointer[:10_000])
    if match is None:
        return _size(own.get("size")) if pointer else None, None
    return int(match[2]), f"{match[1].decode().lower()}:{match[3].decode().lower()}"


def zenodo(rest: str, ask: Asking) -> Answer:
    """Zenodo: a file of a record, with its MD5."""
    record, name = rest.split("/", 1)
    about = ask.json(f"{APIS['zenodo']}/records/{record}", absent=f"Zenodo has no record {record}, or removed it")
    files = _list(about, "files")
    own = _only(files, lambda file: file.get("key") == name)
    if own is None:
        raise SourceError(_renamed(f"the Zenodo record {record}", name, _names(files, "key")))
    checksum = own.get("checksum")
    kind, _, digest = checksum.partition(":") if isinstance(checksum, str) else ("", "", "")
    links = _object(own, "links")
    address = links.get("content") or _text(links, "self")
    return str(address), _size(own.get("size")), _checksum(kind, digest)


def _results(page: Any, ask: Asking) -> Iterator[Any]:
    """All results of a listing that comes in parts."""
    for _ in range(MOST_PAGES):
        yield from _list(page, "results")
        following = page.get("next") if isinstance(page, dict) else None
        if not following:
            return
        page = ask.json(str(following))


def _renamed(where: str, name: str, there: Iterable[str]) -> str:
    """That a file is not there, with the files whose names are close."""
    names = list(dict.fromkeys(there))
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    known = f"the closest names there are {', '.join(close)}" if close else f"it lists {', '.join(names[:5]) or 'none'}"
    return f"{where} has no file {name} (any more); {known}"


def _only(items: Iterable[Any], is_own: Any) -> Any:
    return next((item for item in items if isinstance(item, dict) and is_own(item)), None)


def _names(items: Iterable[Any], key: str) -> list[str]:
    return [str(item.get(key)) for item in items if isinstance(item, dict)]


def _object(value: Any, key: str) -> dict[str, Any]:
    own = value.get(key) if isinstance(value, dict) else None
    if not isinstance(own, dict):
        raise SourceError(f"the archive's answer has no {key!r}; its interface may have changed")
    return own


def _list(value: Any, key: str) -> list[Any]:
    own = value.get(key) if isinstance(value, dict) else None
    if not isinstance(own, list):
        raise SourceError(f"the archive's answer has no list of {key!r}; its interface may have changed")
    return own


def _text(value: Any, key: str) -> str:
    own = value.get(key) if isinstance(value, dict) else None
    if not isinstance(own, str) or not own:
        raise SourceError(f"the archive's answer has no {key!r}; its interface may have changed")
    return own


def _size(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _checksum(kind: str, digest: Any) -> str | None:
    is_known = kind in ("md5", "sha1", "sha256", "sha512") and isinstance(digest, str)
    return f"{kind}:{digest.lower()}" if is_known and re.fullmatch(r"[0-9a-fA-F]{32,128}", digest) else None
