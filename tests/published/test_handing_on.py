"""A run as one zip, and whether it gives the same numbers again."""

import json
import re
import shutil
import stat
import zipfile
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from normenc.errors import InputError
from normenc.runs import Run, export
from normenc.runs.equality import agreement, common_digits, why_different
from normenc.runs.marker import made_of, read_marker, write_marker
from normenc.runs.unpacking import unpack
from normenc.study import verify


@pytest.fixture(scope="session")
def packed(small_run, tmp_path_factory) -> Path:
    return export(small_run, tmp_path_factory.mktemp("zip") / "small.zip", authors=["Curie, Marie", "A Lab"])


def test_the_same_run_gives_the_same_bytes(packed, small_run, tmp_path):
    again = export(small_run, tmp_path / "again.zip", authors=["Curie, Marie", "A Lab"])
    assert again.read_bytes() == packed.read_bytes()


def test_the_zip_holds_the_run_its_checksums_and_who_made_it(packed, small_run):
    with zipfile.ZipFile(packed) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    sums = dict(line.split("  ")[::-1] for line in content.pop("SHA256SUMS").decode().splitlines())
    assert sums == {name: sha256(own).hexdigest() for name, own in content.items()}
    files = {path.relative_to(small_run).as_posix() for path in small_run.rglob("*") if path.is_file()}
    assert {name.removeprefix("run/") for name in content if name.startswith("run/")} == files
    assert all(content[f"run/{name}"] == (small_run / name).read_bytes() for name in files)
    cited = yaml.safe_load(content["CITATION.cff"])
    assert cited["cff-version"] == "1.2.0" and cited["type"] == "dataset"
    assert cited["authors"] == [{"family-names": "Curie", "given-names": "Marie"}, {"name": "A Lab"}]
    assert [own["type"] for own in cited["references"]] == ["software", "generic"]


def test_the_crate_is_as_its_specification_says(packed):
    """RO-Crate 1.1: a flat graph, a descriptor about the root, and every file described and part of the root."""
    with zipfile.ZipFile(packed) as archive:
        crate = json.loads(archive.read("ro-crate-metadata.json"))
        names = set(archive.namelist())
    assert crate["@context"] == "https://w3id.org/ro/crate/1.1/context"
    graph = {entity["@id"]: entity for entity in crate["@graph"]}
    assert len(graph) == len(crate["@graph"])
    descriptor, root = graph["ro-crate-metadata.json"], graph["./"]
    assert descriptor["@type"] == "CreativeWork" and descriptor["about"] == {"@id": "./"}
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert root["@type"] == "Dataset" and {"name", "description", "license"} <= root.keys()
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", root["datePublished"])
    parts = {part["@id"] for part in root["hasPart"]}
    assert parts == names - {"SHA256SUMS", "ro-crate-metadata.json"}
    assert all(graph[part]["@type"] == "File" for part in parts)

    def references(value):
        if isinstance(value, dict):
            yield from [value["@id"]] if value.keys() == {"@id"} else []
            for own in value.values():
                yield from references(own)
        elif isinstance(value, list):
            for own in value:
                yield from references(own)

    outside = {"https://w3id.org/ro/crate/1.1"}
    assert set(references(crate["@graph"])) - outside <= graph.keys()


def without_report(run: Path) -> None:
    (run / "report.html").unlink()
    write_marker(run, made_of(run, "run"))


SPOILT = {
    "no list of files": (lambda run: (run / ".normenc-run.json").unlink(), "no finished run of this version"),
    "being written": (lambda run: (run / ".normenc-new").mkdir(), "a run is being written here"),
    "edited": (
        lambda run: (run / "report.html").write_bytes(b"mine"),
        "report.html: this file is not as the run",
    ),
    "a file is missing": (lambda run: (run / "rdms.nc").unlink(), "rdms.nc: this file of the run is missing"),
    "no report": (without_report, "this run has no report"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_an_unfinished_run_is_refused(small_run, tmp_path, name):
    spoil, said = SPOILT[name]
    run = shutil.copytree(small_run, tmp_path / "run")
    spoil(run)
    with pytest.raises(InputError, match=said):
        export(run, tmp_path / "out.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_files_of_the_user_stay_at_home(small_run, packed, tmp_path):
    run = shutil.copytree(small_run, tmp_path / "run")
    (run / "notes.txt").write_text("private")
    again = export(run, tmp_path / "again.zip", authors=["Curie, Marie", "A Lab"])
    assert again.read_bytes() == packed.read_bytes()


def test_commands_pack_and_verify(normenc, small_run, tmp_path):
    code, _, err = normenc("export", small_run)
    assert code == 2 and "--zip" in err
    assert normenc("export", small_run, "--zip") == (0, "zip: small.zip\n", "")
    code, _, err = normenc("export", small_run, "--zip")
    assert code == 2 and "pass --force to replace it" in err
    code, out, _ = normenc("verify", "small.zip")
    assert code == 0, out
    assert "the checksums are right" in out and "verified: all numbers agree to 6 digits" in out
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "cache") == ["small.zip"]
    assert not (tmp_path / "cache" / "units").exists()  # no network was taken from it, and none was left in it


def repacked(packed: Path, target: Path, change: dict[str, bytes | None], sums: bool = True) -> Path:
    """The zip with other content; with `sums`, checksums are made anew, as by someone who means it."""
    with zipfile.ZipFile(packed) as archive:
        content = {name: archive.read(name) for name in archive.namelist()} | change
    content = {name: own for name, own in content.items() if own is not None}
    if sums:
        rest = {name: own for name, own in content.items() if name != "SHA256SUMS"}
        content["SHA256SUMS"] = "".join(f"{sha256(own).hexdigest()}  {name}\n" for name, own in rest.items()).encode()
    with zipfile.ZipFile(target, "w") as archive:
        for name, own in content.items():
            archive.writestr(name, own)
    return target


def test_a_number_that_is_not_found_again_is_named_and_why(normenc, packed, small_run, tmp_path):
    table = pd.read_csv(small_run / "similarity.csv", dtype=str, keep_default_na=False)
    row = table.index[table["encoder"] == "pool"][0]
    true = table.loc[row, "similarity"]
    table.loc[row, "similarity"] = f"{float(true) + 0.01:.9g}"
    environment = json.loads((small_run / "environment.json").read_text())
    environment["packages"]["torch"] = "1.0"
    change = {
        "run/similarity.csv": table.to_csv(index=False, lineterminator="\n").encode(),
        "run/environment.json": json.dumps(environment).encode(),
    }
    repacked(packed, tmp_path / "other.zip", change)
    code, out, _ = normenc("verify", "other.zip")
    assert code == 1
    assert "not verified to 6 digits" in out
    assert f"similarity, row {row + 1}" in out and f"{float(true):.9g} now" in out.replace("\n", " ")
    assert "what differs: torch: 1.0 then" in out


def test_an_altered_picture_is_named_although_the_checksums_were_rewritten(normenc, packed, tmp_path):
    with zipfile.ZipFile(packed) as archive:
        picture = next(name for name in archive.namelist() if name.endswith(".png"))
    repacked(packed, tmp_path / "other.zip", {picture: b"another picture"})
    code, out, _ = normenc("verify", "other.zip")
    assert code == 1
    said = " ".join(out.split())
    assert f"altered: {picture.removeprefix('run/')} is not as the run's own list says" in said
    assert "not verified: files were altered, although all numbers agree to 6 digits" in said


def test_recordings_are_looked_for_and_can_be_given(packed, small_run, tmp_path):
    text = (small_run / "study.toml").read_text().replace('source = "simulated-v1"', 'source = "/nowhere/mine.npz"')
    text = text.replace("n_neurons = 30\n", "").replace("seed = 0\nbin", "bin")
    repacked(packed, tmp_path / "other.zip", {"run/study.toml": text.encode()})
    with pytest.raises(InputError, match=r"/nowhere/mine.npz, is not here; give its file with recording="):
        verify(tmp_path / "other.zip")


ALTERED = {
    "a byte of a table": ({"run/similarity.csv": b"x\n"}, False, "run/similarity.csv is not as SHA256SUMS says"),
    "a file more": ({"run/tuning.csv": b"x\n"}, False, "run/tuning.csv is not listed in SHA256SUMS"),
    "a file less": ({"run/rdms.nc": None}, False, "run/rdms.nc is listed, but not there"),
    "no list": ({"SHA256SUMS": None}, False, "SHA256SUMS is missing"),
    "a list of something else": ({"SHA256SUMS": b"all is well\n"}, False, "has the line 'all is well'"),
    "no study": ({"run/study.toml": None}, True, "run/study.toml is missing"),
    "out of the folder": ({"run/../../evil.csv": b"x"}, True, "evil.csv is no file of a run, or lies outside"),
    "an absolute path": ({"/tmp/evil.csv": b"x"}, True, "/tmp/evil.csv is no file of a run"),
    "a path of Windows": ({"run/models/..\\..\\evil.csv": b"x"}, True, "is no file of a run"),
    "a drive": ({"run/models/C:evil.csv": b"x"}, True, "is no file of a run"),
    "code": ({"run/models/evil.py": b"raise SystemExit"}, True, "run/models/evil.py is no file of a run"),
    "a file of no run": ({"run/novel.csv": b"x"}, True, "run/novel.csv is no file of a run"),
    "capitals": ({"run/figures/RDMS.png": b"x", "run/figures/rdms.PNG": b"x"}, True, "is in it twice"),
}


@pytest.mark.parametrize("name", ALTERED)
def test_an_altered_zip_is_refused_by_name(packed, tmp_path, name):
    change, sums, said = ALTERED[name]
    place = tmp_path / "place"
    place.mkdir()
    with pytest.raises(InputError) as refused:
        unpack(repacked(packed, tmp_path / "other.zip", change, sums), place)
    assert said in str(refused.value) and "other.zip" in str(refused.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.zip", "place"]


def test_links_and_broken_zips_are_refused(packed, tmp_path):
    place = tmp_path / "place"
    place.mkdir()
    whole = packed.read_bytes()
    for name, content, said in (
        ("cut.zip", whole[: len(whole) // 2], "no zip file, or a broken one"),
        ("text.zip", b"hello", "no zip file, or a broken one"),
        ("empty.zip", b"", "no zip file, or a broken one"),
        (
            "turned.zip",
            whole[:20000] + bytes(byte ^ 255 for byte in whole[20000:20100]) + whole[20100:],
            "turned.zip: ",
        ),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=said):
            unpack(tmp_path / name, place)
        shutil.rmtree(place)
        place.mkdir()
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as archive:
        entry = zipfile.ZipInfo("run/similarity.csv")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(InputError, match=r"run/similarity.csv is a link"):
        unpack(tmp_path / "link.zip", place)
    with pytest.raises(InputError, match="there is no such file"):
        unpack(tmp_path / "gone.zip", place)
    with pytest.raises(InputError, match="this is a folder"):
        unpack(place, place)


def test_runs_that_are_equal_agree_in_all_digits(small_run, tmp_path):
    own = Run.open(small_run)
    assert all(one.digits == 9 and one.equal == one.numbers and not one.worst for one in agreement(own, own))
    assert {"similarity.csv", "training.csv", "rdms.nc"} <= {one.file for one in agreement(own, own)}
    other = shutil.copytree(small_run, tmp_path / "other")
    (other / "differences.csv").unlink()
    rows = (other / "training.csv").read_text().splitlines()
    (other / "training.csv").write_text("\n".join(rows[:-1]) + "\n")
    found = {one.file: one for one in agreement(own, Run.open(other))}
    assert (found["differences.csv"].digits, found["training.csv"].digits) == (0, 0)
    assert "no such table" in found["differences.csv"].worst and "rows now" in found["training.csv"].worst


@pytest.mark.parametrize(("away", "digits"), [(0, 9), (1e-13, 9), (2e-8, 7), (2e-6, 5), (2e-3, 2), (0.5, 0)])
def test_digits_are_those_that_are_written_alike(away, digits):
    one = np.array([0.7, -0.7, 3.0])
    assert common_digits(one, one * (1 + away)).tolist() == [digits] * 3
    assert common_digits(one, one * 1000).tolist() == [0, 0, 0]


def test_numbers_that_are_zero_but_for_rounding_are_equal():
    assert common_digits(np.array([1.0, 1e-17]), np.array([1.0, -3e-16])).tolist() == [9, 9]
    assert common_digits(np.array([1.0, np.nan]), np.array([1.0, 0.5])).tolist() == [9, 0]
    assert common_digits(np.array([np.inf]), np.array([-np.inf])).tolist() == [0]


def test_reasons_name_data_versions_and_device():
    then = {"device": "cpu", "recording": {"sha256": "a"}, "packages": {"torch": "2.1"}}
    now = {"device": "H200", "recording": {"sha256": "b"}, "packages": {"torch": "2.1", "numpy": "2.0"}}
    said = why_different(then, now)
    assert len(said) == 3
    assert "SHA-256 was a, and is b now" in said[0]
    assert said[1:] == ["numpy: not stated then, 2.0 now", "device: cpu then, H200 now"]


def test_a_folder_of_another_kind_is_no_run(tmp_path, small_run):
    """Every kind of folder that normenc writes can be named."""
    from normenc.runs.marker import FOLDER_KINDS, Marker

    for kind, said in FOLDER_KINDS.items():
        (tmp_path / kind).mkdir()
        write_marker(tmp_path / kind, Marker(kind, {}))
        assert read_marker(tmp_path / kind).folder_kind == kind
        if kind != "run":
            with pytest.raises(InputError, match=f"this folder holds {said}"):
                export(tmp_path / kind)
