"""Files that are read in ranges where they lie, from a server on this machine."""

import sys

import h5py
import numpy as np
import pytest
from allen_files import Session, Spikes, write_neuropixels, write_nwb1
from archive_server import served
from PIL import Image

from normenc.errors import InputError
from normenc.recordings import cache_folder, load
from normenc.recordings.public import allen_2p, allen_neuropixels, archives

BLOB = "/blobs/715093703"


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with served() as archive:
        monkeypatch.setitem(archives.APIS, "dandi", f"{archive.address}/dandi")
        monkeypatch.setattr(allen_neuropixels, "SCENES", f"{archive.address}/scenes/{{}}.tiff")
        yield archive


@pytest.fixture
def dandi(server, tmp_path):
    """DANDI with a session of spikes in front of much that nobody asks for; gives the local file, too."""
    path = write_neuropixels(tmp_path / "715093703.nwb", Spikes())
    with h5py.File(path, "r+") as file:
        noise = np.random.default_rng(0).integers(0, 256, 4_000_000).astype(np.uint8)
        file["processing/waveforms/data"] = noise
    size = path.stat().st_size
    own = {"asset_id": "x", "path": "sub-699733573/sub-699733573_ses-715093703.nwb", "size": size}
    server.answers["/dandi/dandisets/000021/versions/draft/assets/"] = {"next": None, "results": [own]}
    digest = {"dandi:sha2-256": "ab" * 32}
    server.answers["/dandi/assets/x/"] = {"contentSize": size, "digest": digest}
    server.redirects["/dandi/assets/x/download/"] = server.address + BLOB
    server.files[BLOB] = path.read_bytes()
    return path


@pytest.fixture
def remfile():
    return pytest.importorskip("remfile", reason="remfile is not installed: normenc[stream]")


def test_what_is_needed_is_read_where_it_lies(remfile, server, dandi):
    name = "allen-neuropixels/715093703?stimulus=static_gratings"
    there = load(f"{name}&stream=yes")
    here = load(f"{name}&from={dandi}")
    np.testing.assert_array_equal(there.responses.values, here.responses.values)
    assert there.name == here.name == name
    assert "was read in parts from dandi:000021/draft/" in there.notes[-1]
    assert f"its published checksum is sha256:{'ab' * 32}" in there.notes[-1]
    assert not cache_folder().exists()
    asked = [own.removeprefix("bytes=").split("-") for path, own, _ in server.requests if path == BLOB and own]
    n_bytes = sum(int(last) + 1 - int(first) for first, last in asked if last)
    assert 0 < n_bytes < len(server.files[BLOB]) / 2


def test_scenes_are_read_where_they_lie(remfile, server, dandi, tmp_path):
    images = np.random.default_rng(9).integers(0, 256, (118, 5, 7)).astype(np.uint8)
    for k, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / "image.tiff")
        server.files[f"/scenes/{k}.tiff"] = (tmp_path / "image.tiff").read_bytes()
    recording = load("allen-neuropixels/715093703?stream=yes")
    np.testing.assert_array_equal(np.asarray(recording.images), images)
    assert recording.notes[-1] == "118 more files were read likewise"


def test_two_photon_sessions_are_read_where_they_lie(remfile, server, tmp_path, monkeypatch, normenc):
    path = write_nwb1(tmp_path / "5.nwb", Session())
    server.files["/5.nwb"] = path.read_bytes()
    monkeypatch.setattr(allen_2p, "BUCKET", server.address)
    with pytest.raises(
        InputError, match=r"its licence is Allen .* 'normenc recordings fetch \"allen-2p/5\?stream=yes\""
    ):
        load("allen-2p/5?stream=yes")
    assert server.requests == []
    assert normenc("recordings", "fetch", "allen-2p/5?stream=yes")[0] == 2
    code, out, _ = normenc("recordings", "fetch", "allen-2p/5?stream=yes", "--yes")
    assert (code, out.strip(), server.requests) == (0, "allen-2p/5?stream=yes: read where it lies", [])
    there, here = load("allen-2p/5?stream=yes"), load(f"allen-2p/5?from={path}")
    np.testing.assert_array_equal(there.responses.values, here.responses.values)
    assert there.notes[-1].endswith("not checked as a whole; no checksum is published")


@pytest.mark.parametrize("fault", [404, 403, "page"])
def test_a_file_that_is_gone_while_it_is_streamed(remfile, server, dandi, fault):
    server.faults[BLOB] = fault
    with pytest.raises(InputError, match=r"leave stream=yes out|fetch the whole file"):
        load("allen-neuropixels/715093703?stimulus=static_gratings&stream=yes")


def test_without_a_library_the_way_out_is_told(server, dandi, monkeypatch):
    for name in ("remfile", "aiohttp"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        InputError, match=r"install normenc\[stream\], or leave stream=yes out and fetch the whole file"
    ):
        load("allen-neuropixels/715093703?stimulus=static_gratings&stream=yes")


def test_a_source_that_does_not_have_it_any_more(server, dandi):
    server.answers["/dandi/dandisets/000021/versions/draft/assets/"] = {"next": None, "results": []}
    with pytest.raises(InputError, match=r"has no file .* \(any more\); .* leave stream=yes out"):
        load("allen-neuropixels/715093703?stimulus=static_gratings&stream=yes")
