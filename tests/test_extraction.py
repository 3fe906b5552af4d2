import inspect
import json
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from normenc import rsa
from normenc.errors import InputError
from normenc.representations import Reduction, extract, represent
from normenc.representations.identity import digest_of_encoder
from normenc.representations.memory import as_bytes, peak_bytes
from normenc.stimuli import gratings

IMAGES = torch.rand(50, 3, 32, 32, generator=torch.Generator().manual_seed(1))
LEAST = "1MiB"


def small(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        *(nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten()),
        nn.Linear(3600, 10),
    )


class Lazy:
    """Images that are read when asked for."""

    def __init__(self, images: torch.Tensor) -> None:
        self.images, self.read = images, []

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, part: slice) -> torch.Tensor:
        found = self.images[part]
        self.read.append(len(found))
        return found


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """A folder for what does not fit in memory, also where none is named."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


# ---- the same values as those of plain hooks ------------------------------------------------------------------------


def built(models, name: str) -> tuple[nn.Module, int]:
    """A network of a family with random weights, and the size of its images."""
    torch.manual_seed(0)
    if name == "resnet18":
        return models.resnet18(), 64
    if name == "vit":
        return models.VisionTransformer(32, 8, 2, 3, 48, 96), 32
    if name == "swin":
        return models.SwinTransformer([2, 2], 12, [2, 2], [2, 2], [4, 4]), 32
    if name == "inception":
        return models.inception_v3(init_weights=False, aux_logits=False), 80
    return models.vgg.make_layers(models.vgg.cfgs["D"]), 32


@pytest.mark.parametrize("name", ["resnet18", "vit", "swin", "inception", "vgg16"])
def test_layers_are_what_plain_hooks_copy(torchvision, scratch, name):
    network, size = built(torchvision.models, name)
    images, expected, runs = torch.rand(5, 3, size, size), {}, {}

    def keep(layer):
        def hook(_module, _args, output):
            runs[layer] = runs.get(layer, 0) + 1
            expected[layer] = output.clone() if isinstance(output, torch.Tensor) else None

        return hook

    hooks = [module.register_forward_hook(keep(layer)) for layer, module in network.eval().named_modules() if layer]
    with torch.no_grad():
        network(images)
    for hook in hooks:
        hook.remove()
    layers = [layer for layer, output in expected.items() if output is not None and len(output) == 5]
    assert len(layers) > 20
    found = extract(network, images, layers, memory=LEAST, batch_size=5)
    assert any(responses.on_disk for responses in found.values())
    for layer, responses in found.items():
        np.testing.assert_allclose(responses.values(), expected[layer].flatten(1), rtol=1e-5, atol=1e-5, err_msg=layer)


@pytest.mark.parametrize("memory", ["1MiB", "3MiB", "1GiB"])
@pytest.mark.parametrize("batch_size", [1, 7, 50])
def test_values_are_those_of_represent_wherever_they_are(scratch, memory, batch_size):
    expected = represent(small(), IMAGES, batch_size=batch_size)
    with extract(small(), Lazy(IMAGES), memory=memory, batch_size=batch_size) as found:
        assert list(found) == list(expected)
        assert found["0"].on_disk == (memory != "1GiB")
        assert not found["5"].on_disk
        for name, responses in found.items():
            np.testing.assert_array_equal(responses.values(), expected[name])
            np.testing.assert_array_equal(np.concatenate(list(responses.blocks()), axis=1), expected[name])
            np.testing.assert_array_equal(np.asarray(responses)[3], expected[name][3])


def test_values_keep_their_precision(scratch):
    values = torch.rand(50, 4000, dtype=torch.float64)
    found = extract(lambda x: {"double": x, "whole": (x > 0.5).int() * 20_000_001}, values, memory=LEAST)
    np.testing.assert_array_equal(found["double"].values(), values)
    assert found["whole"].values().max() == 20_000_001  # float32 has no such number
    assert found["double"].on_disk


def test_images_are_shown_in_batches_that_fit(scratch):
    images = Lazy(IMAGES)
    extract(small(), images, ["5"], memory=LEAST)
    assert 1 <= max(images.read) <= 8  # of 16 x 30 x 30 float32, three times, and more in operations
    assert sum(n for n in images.read if n > 1) >= 40
    several = Lazy(IMAGES)
    extract(small(), several, ["5"], memory="1GiB")
    assert max(several.read) == 50


def test_a_network_is_tried_three_times_and_batches_stay_small_on_a_cpu(scratch):
    torch.manual_seed(0)
    network, shown = nn.Sequential(nn.Conv2d(1, 64, 3), nn.ReLU()), []  # 2.5 MB an image and layer
    network.register_forward_hook(lambda _module, args, _output: shown.append(len(args[0])))
    images = torch.rand(40, 1, 100, 100)
    with extract(network, images, ["1"], memory="1GiB") as found:
        assert shown[:3] == [2, 3, 3]
        assert 4 <= max(shown) <= 16
        assert sum(shown[3:]) == 40
        np.testing.assert_array_equal(found["1"].values(), represent(network, images, ["1"], batch_size=shown[3])["1"])


def test_the_memory_of_a_pass_is_measured_without_torchs_compiler():
    code = (
        "import sys, torch; from torch import nn; from normenc.representations import extract\n"
        "extract(nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)), torch.rand(5, 3)); "
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_tensors_of_a_pass_are_counted():
    images = torch.zeros(4, 1, 100, 100)
    chain = nn.Sequential(*(nn.Identity() if k % 2 else nn.ReLU() for k in range(8)))  # two of 160 kB at once
    assert peak_bytes(lambda: (chain(images), None)[1]) == pytest.approx(2 * 160_000, rel=0.01)


# ---- RDMs of what is on disk ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.0, 3.0])
@pytest.mark.parametrize("metric", ["correlation", "cosine", "euclidean"])
def test_streamed_rdms_are_those_in_memory(scratch, metric, level):
    rng = np.random.default_rng(0)
    values = rng.standard_normal((120, 20_000)) + level
    values[20:30] = values[20] + 1e-3 * rng.standard_normal((10, 20_000))  # which products alone do not resolve
    values[7], values[8] = values[3], values[3] + 1e-6 * rng.standard_normal(20_000)
    values = values.astype(np.float32)
    on_disk = extract(lambda x: {"layer": x}, values, memory=LEAST)["layer"]
    assert on_disk.on_disk
    streamed, expected = rsa.rdm(on_disk, metric), rsa.rdm(values, metric)
    exact = rsa.rdm(values.astype(np.float64), metric)
    np.testing.assert_allclose(streamed, expected, rtol=1e-9, atol=0)
    assert np.abs(streamed - exact).max() <= 1e-6 * exact.max()
    assert streamed[3, 7] == 0
    np.testing.assert_array_equal(streamed, streamed.T)


def test_what_has_no_streamed_rdm_is_named(scratch):
    values = np.random.default_rng(0).standard_normal((60, 20_000)).astype(np.float32)
    silent, broken = values.copy(), values.copy()
    silent[5], broken[4, 19_999] = 0, np.nan
    for bad, metric, message in (
        (silent, "cosine", "stimulus 5 has no response in any of the 20000 units"),
        (silent, "correlation", "stimulus 5 has the same response in all 20000 units"),
        (broken, "euclidean", r"stimulus 4 are not finite \(the first is that of unit 19999: nan\)"),
        (broken, "cosine", "stimulus 4 are not finite"),
    ):
        layer = extract(lambda x: {"layer": x}, bad, memory=LEAST)["layer"]
        with pytest.raises(InputError, match=message):
            rsa.rdm(layer, metric)


def test_other_metrics_read_all(scratch):
    values = np.random.default_rng(0).poisson(3, (60, 20_000)).astype(np.float32)
    layer = extract(lambda x: {"layer": x}, values, memory=LEAST)["layer"]
    np.testing.assert_array_equal(rsa.rdm(layer, "poisson"), rsa.rdm(values, "poisson"))


# ---- fewer units ----------------------------------------------------------------------------------------------------


def test_a_sample_holds_units_as_they_are():
    whole, some = extract(small(), IMAGES, ["0"]), extract(small(), IMAGES, ["0"], reduce=Reduction("sample", 100, 3))
    columns = {column.tobytes() for column in whole["0"].values().T}
    assert {column.tobytes() for column in some["0"].values().T} <= columns
    assert some["0"].shape == (50, 100)
    assert "100 of 14,400 units, drawn with seed 3" in some["0"].note


def test_projections_give_the_dissimilarities_of_all_units_on_average():
    rng = np.random.default_rng(0)
    values = (5 + rng.standard_normal((6, 3)) @ rng.standard_normal((3, 3000)) * 2).astype(np.float32)
    projected = [
        extract(lambda x: {"layer": x}, values, reduce=Reduction("projection", 200, seed))["layer"].values()
        for seed in range(40)
    ]
    np.testing.assert_allclose(projected[0].mean(axis=1), values.mean(axis=1), rtol=1e-5)
    pairs = np.triu_indices(6, k=1)
    for metric in ("correlation", "cosine", "euclidean"):  # the first are far from 0, the second near
        rdms = np.array([rsa.rdm(rows, metric)[pairs] for rows in projected])
        error = rdms.std(axis=0) / np.sqrt(len(rdms))
        assert (np.abs(rdms.mean(axis=0) - rsa.rdm(values, metric)[pairs]) < 4 * error).all(), metric


def test_the_note_states_the_error_that_was_measured():
    layer = extract(small(), IMAGES, ["0"], reduce="projection")["0"]
    full, pairs = represent(small(), IMAGES, ["0"])["0"].values, np.triu_indices(32, k=1)
    places = np.linspace(0, 49, 32).astype(int)
    one, other = (rsa.rdm(np.asarray(values)[places])[pairs] for values in (full, layer.values()))
    assert f"differ by {np.sqrt(np.mean((one - other) ** 2)):.2g} (root mean square" in layer.note
    assert f"correlate by {np.corrcoef(one, other)[0, 1]:.3f}" in layer.note
    assert layer.note.startswith("14,400 units projected to 4,096 at random, with seed 0; of 32 images")
    assert extract(small(), IMAGES, ["5"], reduce="projection")["5"].note == ""


def test_bfloat16_is_near(scratch):
    exact, near = extract(small(), IMAGES, ["3", "5"]), extract(small(), IMAGES, ["3", "5"], dtype="bfloat16")
    for name in exact:
        one, other = exact[name].values(), near[name].values()
        assert other.dtype == np.float32
        assert 0 < np.abs(one - other).max() < 0.02 * np.abs(one).max()


# ---- files: continued, removed, refused -----------------------------------------------------------------------------

KILLED = """
import os, sys, torch
sys.path.insert(0, sys.argv[3])
from test_extraction import IMAGES, small
from normenc.representations import extract
network = small()

class Images:
    def __len__(self): return len(IMAGES)
    def __getitem__(self, part):
        if part.start == int(sys.argv[2]) and part.stop - part.start > 1: os._exit(9)
        return IMAGES[part]

extract(network, Images(), memory="1MiB", scratch=sys.argv[1], batch_size=7)
"""


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    """What a process leaves that is killed when it reads the images from number 28 on."""
    folder = tmp_path_factory.mktemp("left")
    command = [sys.executable, "-c", KILLED, str(folder), "28", str(Path(__file__).parent)]
    assert subprocess.run(command, check=False).returncode == 9
    return folder


@pytest.fixture
def killed(left, tmp_path):
    """A folder of its own with what was left there."""
    return shutil.copytree(left, tmp_path / "scratch")


def test_a_killed_process_is_continued(killed):
    images, expected = Lazy(IMAGES), represent(small(), IMAGES, batch_size=7)
    with extract(small(), images, memory=LEAST, scratch=killed, batch_size=7) as found:
        for name, responses in found.items():
            np.testing.assert_array_equal(responses.values(), expected[name])
        assert 1 <= sum(n == 7 for n in images.read) <= 5  # of 8 batches
    assert list(killed.iterdir()) == []


@pytest.mark.parametrize("harm", ["half a line", "other values", "no journal", "short"])
def test_what_was_not_completely_written_is_computed_again(killed, harm):
    (folder,) = killed.iterdir()
    if harm == "half a line":
        text = (folder / "journal").read_text()
        (folder / "journal").write_text(text[:-9])
    elif harm == "other values":
        with (folder / "responses").open("r+b") as file:
            file.write(bytes(4000))
    elif harm == "no journal":
        (folder / "journal").write_text("{")
    else:
        os.truncate(folder / "responses", 1000)
    expected = represent(small(), IMAGES, batch_size=7)
    for name, responses in extract(small(), IMAGES, memory=LEAST, scratch=killed, batch_size=7).items():
        np.testing.assert_array_equal(responses.values(), expected[name])


def test_another_network_or_other_images_are_not_continued(killed):
    other = Lazy(IMAGES.flip(0))
    found = extract(small(), other, memory=LEAST, scratch=killed, batch_size=7)
    np.testing.assert_array_equal(found["0"].values(), represent(small(), IMAGES.flip(0), batch_size=7)["0"])
    found = extract(small(3), IMAGES, memory=LEAST, scratch=killed, batch_size=7)
    np.testing.assert_array_equal(found["0"].values(), represent(small(3), IMAGES, batch_size=7)["0"])


def test_two_at_once_do_not_share_a_folder(tmp_path):
    one = extract(small(), IMAGES, ["0"], memory=LEAST, scratch=tmp_path)
    other = extract(small(), IMAGES, ["0"], memory=LEAST, scratch=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    other.close()
    np.testing.assert_allclose(one["0"].values(), represent(small(), IMAGES, ["0"])["0"], rtol=1e-4, atol=1e-6)


def test_files_are_removed_at_the_end_and_after_errors(scratch):
    found = extract(small(), IMAGES, ["0", "5"], memory=LEAST)
    assert len(list(scratch.iterdir())) == 1
    kept = found["5"]
    del found
    assert list(scratch.iterdir()) == []
    assert kept.values().shape == (50, 10)
    with extract(small(), IMAGES, ["0"], memory=LEAST) as found:
        pass
    with pytest.raises(InputError, match="layer '0' was on disk, and its file was removed when"):
        found["0"].values()

    class Broken(Lazy):
        def __getitem__(self, part):
            if part.start and part.start > 20 and part.stop - part.start > 1:
                raise InputError("image 21 cannot be read")
            return super().__getitem__(part)

    with pytest.raises(InputError, match="image 21 cannot be read"):
        extract(small(), Broken(IMAGES), ["0"], memory=LEAST, batch_size=5)
    assert list(scratch.iterdir()) == []


def test_a_full_disk_is_told_and_nothing_stays(scratch, largest_file):
    told = pytest.raises(InputError, match=r"the disk is full .* take 2.7 MiB here, .*; name fewer layers, reduce")
    with largest_file(1_000_000), told:
        extract(small(), IMAGES, ["0"], memory=LEAST)
    assert list(scratch.iterdir()) == []


def test_room_is_asked_for_before_anything_is_computed(scratch, monkeypatch):
    from normenc.representations import scratch as place

    monkeypatch.setattr(place, "SPARE", 2**60)
    images = Lazy(IMAGES)
    with pytest.raises(InputError, match=r"do not fit in memory take 2.7 MiB here, and .* are free; name fewer layers"):
        extract(small(), images, ["0"], memory=LEAST, batch_size=7)
    assert 7 not in images.read
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"memory": "much"}, "memory is 'much'; give bytes, or a text such as '4GiB'"),
        ({"memory": True}, "memory is True"),
        ({"memory": "10 kB"}, "memory is '10 kB', which is 10,000 bytes; give at least 1MiB"),
        ({"memory": -5}, "give at least 1MiB"),
        ({"reduce": "pca"}, "reduce is 'pca'; it must be 'projection' or 'sample'"),
        ({"dtype": "int8"}, "dtype is 'int8'; it must be one of float32, bfloat16, float16"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"layers": ["9"]}, "there is no layer '9'"),
        ({"layers": "5"}, "layers is the string '5'"),
        ({"images": []}, "there are no images"),
    ],
)
def test_bad_input_is_named(options, message):
    with pytest.raises(InputError, match=message):
        extract(small(), **{"images": IMAGES, **options})


def test_a_file_in_place_of_the_folder_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot be written here .* choose another scratch folder"):
        extract(small(), IMAGES, ["0"], memory=LEAST, scratch=tmp_path / "file")


def test_amounts_of_memory():
    for text, amount in {"1.5GiB": 3 * 2**29, "2 gb": 2 * 10**9, "512M": 512 * 10**6, 2**21: 2**21}.items():
        assert as_bytes(text) == amount
    assert as_bytes(None) >= 2**20


def test_an_encoder_is_known_by_all_that_decides_what_it_gives():
    def made(scale=1.0, act=torch.tanh):
        network = small()
        network.scale, network.act, network.others = scale, act, [nn.Linear(2, 2, bias=False)]
        with torch.no_grad():
            network.others[0].weight.fill_(1)
        return network

    same, networks = digest_of_encoder(made()), [made() for _ in range(7)]
    assert same == digest_of_encoder(made().train())
    networks[0].scale = 2.0
    networks[1].act = torch.relu
    networks[2].others[0].weight.data[0, 0] = 2  # of no registered part
    networks[3][1].running_mean[0] = 1
    networks[4][2] = nn.ReLU6()
    networks[5].register_forward_pre_hook(lambda _module, args: (args[0] * 2,))
    networks[6].scale = np.float32(3)
    digests = [digest_of_encoder(network) for network in networks]
    assert len({same, *digests}) == 8
    assert json.dumps(digests)  # all are known
    networks[0].file = sys.stdout
    assert digest_of_encoder(networks[0]) is None
    assert digest_of_encoder(lambda x: {"a": x}) is None


def exec_class(base, gain, own):
    """A class without a source file, as in a notebook."""
    names = {"nn": nn, "__name__": "notebook"}
    exec(
        f"class Base(nn.Linear):\n    def forward(self, x): return super().forward(x) * {base}\n"
        f"class Own(Base):\n    gain = {gain}\n    @property\n    def own(self): return {own}\n",
        names,
    )
    torch.manual_seed(0)
    return names["Own"](4, 3)


class Listed(list):
    pass


def with_setting(value):
    torch.manual_seed(0)
    network = nn.Linear(4, 3)
    network.setting = value
    return network


def listed(value):
    one = Listed([1])
    one.value = value
    return one


def hooked(with_kwargs):
    network = with_setting(1)
    network.register_forward_pre_hook(lambda _module, args, *_: args, with_kwargs=with_kwargs)
    return network


RAMP = np.arange(9.0).reshape(3, 3)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda: exec_class(1, 1, 1), lambda: exec_class(2, 1, 1)),
        (lambda: exec_class(1, 1, 1), lambda: exec_class(1, 2, 1)),
        (lambda: exec_class(1, 1, 1), lambda: exec_class(1, 1, 2)),
        (lambda: with_setting(listed(1)), lambda: with_setting(listed(2))),
        (lambda: with_setting(RAMP[::-1]), lambda: with_setting(2 * RAMP[::-1])),
        (lambda: with_setting(RAMP.astype(">f8")), lambda: with_setting(2 * RAMP.astype(">f8"))),
        (lambda: with_setting(RAMP + 1j), lambda: with_setting(RAMP + 2j)),
        (lambda: with_setting(torch.ones(2) * 1j), lambda: with_setting((torch.ones(2) * 1j).conj())),
        (lambda: hooked(False), lambda: hooked(True)),
    ],
)
def test_what_decides_responses_changes_the_digest_and_nothing_else_does(one, other):
    assert digest_of_encoder(one()) == digest_of_encoder(one()) != digest_of_encoder(other())
    assert isinstance(digest_of_encoder(other()), str)


class Options:
    def __init__(self):
        self.power = 2


def test_what_was_pickled_has_the_same_digest():
    network = nn.ReLU()
    network.options = Options()
    before = digest_of_encoder(network)
    pickle.dumps(network.options)
    assert "__slotnames__" in vars(Options)
    assert digest_of_encoder(network) == before


def test_what_was_asked_for_its_annotations_has_the_same_digest():
    class Annotated(nn.ReLU):  # which Python may keep in the class as soon as somebody asks
        gain: float = 1.0

    before = digest_of_encoder(Annotated())
    assert inspect.get_annotations(Annotated) in ({"gain": float}, {"gain": "float"})
    assert digest_of_encoder(Annotated()) == before


SETS = """
from torch import nn

class Net(nn.ReLU):
    kinds = frozenset(["rates", "spikes", "traces"])

    def forward(self, images, kind="rates", *, known=frozenset(["alpha", "beta", "gamma"])):
        return images if kind in {"linear", "identity", "none"} or kind in (1, frozenset()) else super().forward(images)
"""


def test_sets_have_the_same_digest_in_every_process(tmp_path):
    (tmp_path / "lab.py").write_text(SETS)
    code = "from lab import Net; from normenc.representations.identity import digest_of_encoder as of; print(of(Net()))"
    own = [
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "123"
    ]
    assert len({*own}) == 1 and len(own[0]) == 65


@pytest.mark.parametrize(
    "value", [RAMP.astype("g"), torch.ones(2, device="meta"), np.array([object()]), lambda: sys.stdout]
)
def test_a_network_of_unknown_settings_has_no_digest(value):
    value = value() if callable(value) else value
    assert digest_of_encoder(with_setting(value)) is None


def test_gratings_of_a_network_of_the_study(scratch):
    from normenc import networks

    network, images = networks.ConvPoolFC(), gratings(np.linspace(-80, 80, 30))
    np.testing.assert_allclose(
        rsa.rdm(extract(network, images, ["conv"], memory=LEAST)["conv"]),
        rsa.rdm(represent(network, images, ["conv"])["conv"]),
        atol=1e-6,
    )
