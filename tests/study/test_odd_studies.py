"""Study files of every kind: each is read rightly, or refused in words before anything is trained."""

import os
from shutil import rmtree

import numpy as np
import pytest

from normenc import recordings, study
from normenc.errors import InputError
from normenc.study.settings import load_study

SMALL = (
    '[recording]\nsource = "simulated-v1"\nn_neurons = 30\n[stimuli]\nresolution = 0.05\n[task]\nn_train = 40\n'
    "n_test = 20\n[network]\npool_size = 4\n[training]\nn_epochs = 2\n"
)
WORDS = '[comparison]\n{} = ["{}", "{}"]\n'
BROKEN = {
    "6,000 digits": (SMALL + "batch_size = " + "9" * 6000, "a number with thousands of digits"),
    "6,000 digits as a rate": (SMALL + "learning_rate = " + "9" * 6000, "a number with thousands of digits"),
    "4,000 digits": (SMALL + "batch_size = " + "9" * 4000, r"training.batch_size: given 999.* characters more"),
    "brackets that open": (SMALL + "x = " + "[" * 5000, "too deep|not valid TOML"),
    "brackets": (SMALL + "x = " + "[" * 5000 + "]" * 5000, "too deep"),
    "tables in tables": ("x = " + "{a=" * 3000 + "1" + "}" * 3000, "too deep"),
    "dotted": (
        "[" + ".".join(["a"] * 5000) + "]\nx=1",
        "a: there is no such key|too deep",
    ),  # which Python 3.14 does not read
    "long key": ("a" * 200_000 + " = 1\n" + SMALL, r"there is no such key"),
    "long value": ('name = "' + "b" * 200_000 + '"\n' + SMALL, "name: given 'bbb"),
    "many keys": ("\n".join(f"k{n} = 1" for n in range(20_000)), "more errors"),
    "controls twice": (SMALL + WORDS.format("controls", "pixels", "pixels"), "controls: 'pixels' is listed twice"),
    "layers twice": (SMALL + WORDS.format("layers", "fc", "fc"), "list each layer once"),
    "methods twice": (
        SMALL + WORDS.format("other_measures", "cosine", "cosine"),
        "other_measures: 'cosine' is listed twice",
    ),
    "checkpoints twice": (SMALL + "checkpoints = [1, 1]", "checkpoints: 1 is listed twice"),
    "fits twice": (
        SMALL + '[encoding]\nnetworks = ["point readout", "point readout"]',
        "encoding.networks: 'point readout' is listed twice",
    ),
    "regions twice": (SMALL.replace("n_neurons", 'region = ["V1", "V1"]\nn_neurons'), "region: 'V1' is listed twice"),
    "networks twice": (SMALL.replace("[network]", "[[network]]\n[[network]]"), "network: there are 2 called"),
    "tasks twice": (SMALL.replace("[task]", "[[task]]\n[[task]]"), "task: there are 2 called"),
    "no pixel": (SMALL.replace("0.05", "1e-9"), "resolution is 1e-09, which leaves no pixel"),
    "nearly no pixel": (SMALL.replace("0.05", "1e-300"), "leaves no pixel"),
    "resolution too large": (SMALL.replace("0.05", "1e300"), "resolution: given 1e[+]300"),
    "resolution nan": (SMALL.replace("0.05", "nan"), "resolution: given nan"),
    "one of several kinds": (
        SMALL.replace("n_test = 20", "contrast = nan"),
        "contrast: given nan; it should be less than or equal to 1, or a valid list",
    ),
    "UTF-16": (SMALL.encode("utf-16"), "this file is UTF-16 or UTF-32"),
    "Latin-1": (b"# \xe9\n", "byte 2 is not"),
    "NUL": (SMALL.replace("n_epochs", "n\0epochs"), "not valid TOML"),
    "NULs": (b"\0" * 1000, "not valid TOML"),
    "NUL in a name": ('name = "a\\u0000b"', "name: given 'a"),
    "keys twice": (SMALL + SMALL, "not valid TOML"),
    "carriage returns": (SMALL.replace("\n", "\r"), "not valid TOML"),
    "large": ("#" * 5_000_000, "a study file has at most 4"),
    "list of numbers as recordings": ("recording = [1, 2]", r"recording: given 1; it should be a section"),
    "task as text": ('task = "tilt"', "task"),
    "name as a list": ("[task]\nname = [1]", "task"),
    "date as seed": (SMALL + "seed = 1979-05-27T07:32:00Z", "training.seed: given"),
    "long source": ('recording.source = "' + "a" * 100_000 + '"', "there is no such file"),
    "NUL in a source": ('recording.source = "a\\u0000b"', "there is no such file"),
}
READ = {
    "byte-order mark": b"\xef\xbb\xbf" + SMALL.encode(),
    "empty": b"",
    "line ends of Windows": SMALL.replace("\n", "\r\n").encode(),
    "comments": "# é ü 東京\n".encode() + SMALL.encode(),
}


@pytest.mark.parametrize("name", BROKEN)
def test_odd_studies_are_refused_in_words(tmp_path, name):
    text, message = BROKEN[name]
    path = tmp_path / "odd.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=message) as caught:
        for part in load_study(path).per_recording():
            study.prepare(part)
    assert len(str(caught.value)) <= 2000
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize("name", READ)
def test_odd_studies_are_read(tmp_path, name):
    path = tmp_path / "odd.toml"
    path.write_bytes(READ[name])
    assert load_study(path).name == "odd"
    assert load_study(path).training.n_epochs == (25 if name == "empty" else 2)


def test_what_is_no_regular_file_is_never_waited_for(posix, tmp_path):
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(InputError, match="not a regular file"):
        load_study(tmp_path / "pipe.toml")
    with pytest.raises(InputError, match="not a regular file"):
        load_study("/dev/zero")
    with pytest.raises(InputError, match="cannot be read"):
        load_study(tmp_path)


def test_one_recording_by_two_names_stands_twice(tmp_path):
    np.savez(tmp_path / "mine.npz", **recordings.contaminate(recordings.simulated_v1(6, n_repeats=2, n_stimuli=12)))
    path = tmp_path / "two.toml"
    path.write_text('[[recording]]\nsource = "mine.npz"\n[[recording]]\nsource = "./mine.npz"\n')
    with pytest.raises(InputError, match=r"mine\.npz' is listed 2 times; list each once"):
        load_study(path)


def test_every_recording_is_checked_before_the_first_trains(normenc, tmp_path):
    arrays = recordings.contaminate(recordings.simulated_v1(20, n_repeats=4, n_stimuli=12))
    arrays["responses"][arrays["orientation"] == arrays["orientation"][0]] = 1
    np.savez(tmp_path / "flat.npz", **arrays)
    (tmp_path / "two.toml").write_text(
        SMALL.replace("[recording]", '[[recording]]\nsource = "flat.npz"\n[[recording]]')
    )
    text = (tmp_path / "two.toml").read_text().split("[[recording]]")
    (tmp_path / "two.toml").write_text(
        f"[[recording]]{text[2].split('[stimuli]')[0]}[[recording]]{text[1]}[stimuli]{text[2].split('[stimuli]')[1]}"
    )
    code, _, err = normenc("run", "two.toml")
    assert code == 2
    assert "flat: stimulus" in err
    assert not (tmp_path / "cache").exists()  # nothing was trained


def test_two_runs_of_one_folder_are_refused(normenc, tmp_path):
    arrays = recordings.contaminate(recordings.simulated_v1(20, n_repeats=4, n_stimuli=12))
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        np.savez(tmp_path / folder / "mine.npz", **arrays)
    recorded = '[[recording]]\nsource = "a/mine.npz"\n[[recording]]\nsource = "b/mine.npz"\n'
    (tmp_path / "two.toml").write_text(recorded + "[stimuli]" + SMALL.split("[stimuli]")[1])
    code, _, err = normenc("run", "two.toml")
    assert code == 2
    assert "would both be written here; give each its own --out" in err


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="a folder that nobody can write, as /proc is")  # noqa: PTH112
def test_folders_that_cannot_be_written_are_known_before_training(normenc, tmp_path, monkeypatch):
    (tmp_path / "small.toml").write_text(SMALL)
    code, _, err = normenc("run", "small.toml", "--out", "/proc/nowhere/run")
    assert code == 2
    assert "this folder cannot be written" in err
    monkeypatch.setenv("NORMENC_CACHE", "/proc/nowhere")
    code, _, err = normenc("run", "small.toml")
    assert code == 2
    assert "trained networks cannot be written here" in err
    assert "set NORMENC_CACHE" in err


def test_room_on_the_disk_is_known_before_training(normenc, tmp_path, monkeypatch):
    import shutil

    (tmp_path / "small.toml").write_text(SMALL)
    free = shutil.disk_usage(tmp_path)._replace(free=10 * 2**20)
    monkeypatch.setattr("shutil.disk_usage", lambda path: free)
    code, _, err = normenc("run", "small.toml")
    assert code == 2
    assert "this disk has 10 MiB left, but about" in err
    assert not (tmp_path / "runs").exists()


def test_of_several_recordings_those_that_are_done_are_not_run_again(normenc, tmp_path):
    for seed, name in enumerate(("a.npz", "b.npz")):
        recordings.save(recordings.simulated_v1(10, n_repeats=2, n_stimuli=8, seed=seed), tmp_path / name)
    several = "".join(f'[[recording]]\nsource = "{name}"\n' for name in ("a.npz", "b.npz"))
    (tmp_path / "small.toml").write_text(
        SMALL.replace('[recording]\nsource = "simulated-v1"\nn_neurons = 30\n', several)
    )
    command = ("run", "small.toml", "--out", "both", "--stages", "represent,compare")
    assert normenc(*command)[0] == 0
    first, second = (tmp_path / "both" / name for name in ("recording1", "recording2"))
    before = (first / "environment.json").read_bytes()
    rmtree(second)  # as where the command was broken off in between
    code, out, _ = normenc(*command)
    assert code == 0
    assert "a.npz: this study has already been run" in out
    assert (second / "report.html").is_file()
    assert (first / "environment.json").read_bytes() == before
    (tmp_path / "a.npz").write_bytes((tmp_path / "b.npz").read_bytes())
    rmtree(second)
    code, _, err = normenc(*command)
    assert code == 2
    assert "this folder already contains a run" in err
