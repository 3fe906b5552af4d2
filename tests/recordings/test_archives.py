"""Places in archives, asked of a server that answers as each archive does, by what its API documents."""

import base64
import hashlib

import pytest
from archive_server import served

from normenc.errors import InputError
from normenc.recordings import Collection, RemoteFile, cache_folder, fetch
from normenc.recordings.public import archives, registry
from normenc.recordings.public.asking import SourceError
from normenc.recordings.public.places import Located, locate, page_of

CONTENT = bytes(range(256)) * 300
MD5, SHA256 = hashlib.md5(CONTENT).hexdigest(), hashlib.sha256(CONTENT).hexdigest()
WRONG = "0" * 64
N_BYTES = len(CONTENT)


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with served() as archive:
        for name in archives.APIS:
            monkeypatch.setitem(archives.APIS, name, f"{archive.address}/{name}")
        archive.files["/blob"] = CONTENT
        yield archive


def dandi(server, path="sub-1/sub-1_ses-5-StimB_ophys.nwb", sha256=SHA256, size=N_BYTES):
    """Two pages of assets, which are filtered by the beginning of their path, or by a pattern."""
    from fnmatch import fnmatchcase

    base = "/dandi/dandisets/000728/versions/0.24/assets/"
    every = [
        {"asset_id": f"id-{k}", "path": own, "size": size, "blob": "b", "zarr": None}
        for k, own in enumerate(["sub-1/sub-1_ses-4_ophys.nwb", "sub-2/sub-2_ses-5_ophys.nwb", path])
    ]

    def listing(query):
        own = [one for one in every if one["path"].startswith(query.get("path", ""))]
        own = [one for one in own if fnmatchcase(one["path"], query.get("glob", "*"))]
        page = int(query.get("page", 1))
        following = (
            f"{server.address}{base}?page=2&glob={query.get('glob', '*')}" if page == 1 and len(own) > 1 else None
        )
        return {"count": len(own), "next": following, "previous": None, "results": own[:1] if page == 1 else own[1:]}

    server.answers[base] = listing
    for k in range(3):
        digest = {"dandi:dandi-etag": "x-1", "dandi:sha2-256": sha256}
        server.answers[f"/dandi/assets/id-{k}/"] = {"contentSize": size, "digest": digest, "path": path}
        server.redirects[f"/dandi/assets/id-{k}/download/"] = f"{server.address}/blob"
    return "dandi:000728/0.24/sub-*/sub-*_ses-5-Stim*_ophys.nwb"


def figshare(server, name="a_mouse.mat", md5=MD5, size=N_BYTES):
    """A listing of more than one page."""
    others = [{"id": k, "name": f"other{k}.mat", "size": 1, "download_url": "", "computed_md5": ""} for k in range(120)]
    own = {"id": 999, "name": name, "size": size, "computed_md5": md5, "supplied_md5": md5}
    every = [*others, own | {"download_url": f"{server.address}/ndownloader/999"}]
    server.redirects["/ndownloader/999"] = f"{server.address}/blob"

    def listing(query):
        first = (int(query["page"]) - 1) * int(query["page_size"])
        return every[first : first + int(query["page_size"])]

    server.answers["/figshare/articles/6845348/files"] = listing
    return "figshare:6845348/a_mouse.mat"


def osf_file(server, name, kind="file", sha256=SHA256, size=N_BYTES):
    about = {"name": name, "kind": kind, "size": size, "extra": {"hashes": {"md5": MD5, "sha256": sha256}}}
    links = {"download": f"{server.address}/download/683xc"}
    related = {"href": f"{server.address}/osf/nodes/ab12c/files/osfstorage/5f/"}
    return {"attributes": about, "links": links, "relationships": {"files": {"links": {"related": related}}}}


def osf(server, **about):
    server.answers["/osf/files/683xc/"] = {"data": osf_file(server, "a.npz", **about)}
    server.redirects["/download/683xc"] = f"{server.address}/blob"
    return "osf:683xc"


def osf_path(server, name="a.npz", **about):
    """A folder in a project, whose listing has two pages."""
    base = "/osf/nodes/ab12c/files/osfstorage/"
    server.answers[base] = {"data": [osf_file(server, "data", kind="folder")], "links": {"next": None}}

    def listing(query):
        if "page" in query:
            return {"data": [osf_file(server, name, **about)], "links": {"next": None}}
        return {"data": [osf_file(server, "b.npz")], "links": {"next": f"{server.address}{base}5f/?page=2"}}

    server.answers[f"{base}5f/"] = listing
    server.redirects["/download/683xc"] = f"{server.address}/blob"
    return "osf:ab12c/data/a.npz"


def gin(server, name="a b.pickle", md5=MD5, size=N_BYTES):
    """A file of git-annex, whose pointer git has."""
    base = "/gin/api/v1/repos/lab/Cadena/"
    pointer = base64.b64encode(f"/annex/objects/MD5-s{size}--{md5}\n".encode()).decode()
    server.answers[base.rstrip("/")] = {"name": "Cadena", "default_branch": "master"}
    server.answers[f"{base}contents/data/{name}"] = {
        "type": "file",
        "size": 56,
        "encoding": "base64",
        "content": pointer,
    }
    server.answers[f"{base}contents/data"] = [{"type": "file", "name": name, "size": 56}]
    server.files[f"/gin/lab/Cadena/raw/master/data/{name}"] = CONTENT
    return "gin:lab/Cadena/data/a b.pickle"


def zenodo(server, name="a.zip", md5=MD5, size=N_BYTES):
    links = {"self": f"{server.address}/zenodo/records/10/files/{name}/content"}
    file = {"id": "x", "key": name, "size": size, "checksum": f"md5:{md5}", "links": links}
    server.answers["/zenodo/records/10"] = {"id": 10, "metadata": {"license": {"id": "cc-by-4.0"}}, "files": [file]}
    server.files[f"/zenodo/records/10/files/{name}/content"] = CONTENT
    return "zenodo:10/a.zip"


ARCHIVES = {"dandi": dandi, "figshare": figshare, "osf": osf, "osf path": osf_path, "gin": gin, "zenodo": zenodo}
DIGEST = {name: "sha256" if name.startswith(("dandi", "osf")) else "md5" for name in ARCHIVES}


@pytest.fixture(params=ARCHIVES)
def archive(request, server, monkeypatch):
    """Each archive in turn: its name, and the functions that fill the server and fetch from it."""

    def fetched(place):
        own = Collection(
            "toy",
            "toy",
            files=lambda session: (RemoteFile("a.bin", place),),
            read=lambda files, session, options: None,
            **dict.fromkeys(("species", "area", "units", "citation", "licence", "source"), "toy"),
        )
        monkeypatch.setitem(registry._registered, "toy", own)
        return fetch("toy", progress=False)

    def fill(**about):
        return ARCHIVES[request.param](server, **about)

    return request.param, fill, fetched


def refused(fetched, place, message):
    with pytest.raises(InputError, match=message) as caught:
        fetched(place)
    said = str(caught.value)
    assert "\n" not in said
    assert page_of(place) in said
    assert str(cache_folder() / "recordings/toy/a.bin") in said
    assert not list((cache_folder() / "recordings/toy").glob("*"))
    return said


def test_a_place_has_an_address_a_size_and_a_checksum(server, archive):
    name, fill, fetched = archive
    place = fill()
    digest = {"md5": MD5, "sha256": SHA256}[DIGEST[name]]
    located = locate(place)
    assert (located.size, located.checksum) == (len(CONTENT), f"{DIGEST[name]}:{digest}")
    assert fetched(place).read_bytes() == CONTENT


def test_a_file_that_is_not_what_the_archive_says_is_removed(archive):
    name, fill, fetched = archive
    wrong = WRONG[:32] if DIGEST[name] == "md5" else WRONG
    refused(fetched, fill(**{DIGEST[name]: wrong}), "removed: it is truncated or altered .its (MD5|SHA-256) is not 000")


def test_a_file_of_another_size_is_refused_before_it_is_downloaded(archive):
    _, fill, fetched = archive
    refused(fetched, fill(size=77), r"the server offers 76,800 bytes, but the file has 77: the source has changed")


def test_a_renamed_file_is_told_with_the_names_that_are_there(archive):
    name, fill, fetched = archive
    if name == "osf":
        pytest.skip("an ID of OSF stays when its file is renamed")
    others = {"dandi": {"path": "sub-1/sub-1_ses-5-stimB_ophys.nwb"}, "figshare": {"name": "a_mouse_v2.mat"}}
    place = fill(**others.get(name, {"name": "a_new.npz"}))
    said = refused(fetched, place, r"has no file .* \(any more\)")
    assert {"dandi": "sub-1/sub-1_ses-5-stimB_ophys.nwb", "figshare": "a_mouse_v2.mat"}.get(name, "a_new.npz") in said


@pytest.mark.parametrize("fault", [404, 410, 403, 500, "page"])
def test_an_archive_that_does_not_answer(server, archive, fault):
    name, fill, fetched = archive
    place = fill()
    for path in list(server.answers):
        server.faults[path] = fault
    removed = {
        "gin": "GIN has no repository",
        "zenodo": "Zenodo has no record 10",
        "figshare": "figshare has no article",
    }
    removed |= {"dandi": "DANDI has no version 0.24", "osf": "OSF has no file", "osf path": "OSF has no project"}
    expected = {403: "refuses to give the file .403.", 500: "busy or broken .500.", "page": "a web page instead"}
    refused(fetched, place, expected.get(fault, removed[name]))


@pytest.mark.parametrize("answer", [[], {}, {"data": []}, {"results": [{"path": 3}]}, {"files": [3]}, "text", None, 3])
def test_an_answer_of_another_form_is_no_traceback(server, archive, answer):
    _, fill, fetched = archive
    place = fill()
    for path in list(server.answers):
        server.answers[path] = answer
    if place.startswith("gin:"):  # the repository's page alone says which branch; the file is there
        assert fetched(place).read_bytes() == CONTENT
        return
    refused(fetched, place, "its interface may have changed|has no file|no file")


def test_numbers_and_names_of_files_are_both_known(server):
    figshare(server)
    assert locate("figshare:6845348/999") == locate("figshare:6845348/a_mouse.mat")


def test_a_pattern_with_several_files_is_refused(server):
    dandi(server)
    with pytest.raises(SourceError, match=r"2 files of the dandiset 000728 are called sub-\*/sub-\*_ses-5\*"):
        locate("dandi:000728/0.24/sub-*/sub-*_ses-5*_ophys.nwb")


def test_a_store_of_many_files_is_refused(server):
    dandi(server)
    base = "/dandi/dandisets/000728/versions/0.24/assets/"
    server.answers[base] = {"next": None, "results": [{"asset_id": "x", "path": "a[1].zarr", "zarr": "z", "size": 9}]}
    with pytest.raises(SourceError, match=r"a\[1\].zarr of the dandiset 000728 is a Zarr store, and no single file"):
        locate("dandi:000728/0.24/a[1].zarr")


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        ("../.git/annex/objects/kM/4v/SHA256E-s12--ab01.npy/SHA256E-s12--ab01.npy", (12, "sha256:ab01")),
        ("/annex/objects/MD5-s7--AB", (7, "md5:ab")),
        ("plain text", (99, None)),
    ],
)
def test_what_git_annex_says_of_a_file(server, pointer, expected):
    gin(server)
    content = base64.b64encode(pointer.encode()).decode()
    server.answers["/gin/api/v1/repos/lab/Cadena/contents/x.npy"] = {"type": "file", "size": 99, "content": content}
    located = locate("gin:lab/Cadena/x.npy")
    assert (located.size, located.checksum) == expected


def test_gin_without_its_listing(server):
    place = gin(server)
    server.faults["/gin/api/v1/repos/lab/Cadena/contents/data/a b.pickle"] = 500
    assert locate(place) == Located(f"{server.address}/gin/lab/Cadena/raw/master/data/a%20b.pickle")


@pytest.mark.parametrize(
    "place", ["", "a.npz", "ftp://example.org/a", "dandi:000728/draft", "osf:", "zenodo:1", "gin:a/b"]
)
def test_what_is_no_place_is_refused(place):
    with pytest.raises(InputError, match=r"is no place of a file; write https://..., dandi:"):
        locate(place)


def test_no_archive_at_all(server):
    place = zenodo(server)
    server.server_close()
    with pytest.raises(SourceError, match=r"no connection|nothing for"):
        locate(place, timeout=0.5)


def test_the_archives_are_the_public_ones():
    assert archives.APIS == {
        "dandi": "https://api.dandiarchive.org/api",
        "figshare": "https://api.figshare.com/v2",
        "osf": "https://api.osf.io/v2",
        "gin": "https://gin.g-node.org",
        "zenodo": "https://zenodo.org/api",
    }
