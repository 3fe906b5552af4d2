import pickle

import numpy as np
import pytest
import torch

from normenc import stimuli
from normenc.errors import InputError
from normenc.tasks import ObjectRecognition
from normenc.training.ahead import _Draws, _SentDraws, of_epoch


def write_mnist(folder, which, images, labels):
    """The files that MNIST comes in: a header of big-endian numbers, then bytes."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for name, magic, values in (("images-idx3", 2051, images), ("labels-idx1", 2049, labels)):
        header = np.array([magic, *values.shape], dtype=">i4").tobytes()
        (raw / f"{which}-{name}-ubyte").write_bytes(header + values.astype(np.uint8).tobytes())


@pytest.fixture
def mnist(tmp_path):
    rng = np.random.default_rng(0)
    for which, n in (("train", 30), ("t10k", 20)):
        labels = np.arange(n) % 4
        images = rng.integers(0, 50, size=(n, 28, 28))
        images[:, :14] += 50 * labels[:, None, None]  # the upper half tells the class
        write_mnist(tmp_path, which, images, labels)
    return tmp_path


def test_a_set_of_torchvision_is_read_by_name(torchvision, mnist):
    train, test = (stimuli.torchvision_set("MNIST", mnist, test=test) for test in (False, True))
    assert (len(train.labels), len(test.labels)) == (30, 20)
    assert train.labels.tolist()[:5] == [0, 1, 2, 3, 0]
    exact = train.images(np.array([3, 7]), (28, 28))
    source = train.source.data[[3, 7]].float() / 255
    assert torch.allclose(exact, source, atol=1e-6)


def test_networks_learn_from_it_by_class(torchvision, mnist):
    task = ObjectRecognition(folder=str(mnist), dataset="MNIST", augment=("flip",))
    assert (task.n_outputs, task.chance) == (4, 0.25)
    images, labels = task.sample(40, np.random.default_rng(0))
    assert images.shape == (40, 48, 64)  # enlarged, from the middle
    again, same = task.sample(40, np.random.default_rng(0))
    assert torch.equal(images, again)
    assert torch.equal(labels, same)
    upper = images[:, :20].mean(dim=(1, 2))
    assert torch.allclose(upper, (25 + 50 * labels) / 255, atol=0.02)
    assert task.sample_test(5, np.random.default_rng(0))[0].shape == (5, 48, 64)


def test_another_process_draws_and_varies_the_same(torchvision, mnist):
    task = ObjectRecognition("fresh", folder=str(mnist), dataset="MNIST", augment=("flip", "rotation"))
    there = pickle.loads(pickle.dumps(_SentDraws(_Draws(task, [5], range(2, 4)))))
    torch.rand(1), np.random.random()  # generators of that process play no part
    assert all(map(torch.equal, there[1], of_epoch(task, 5, 3)))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("MNIST", r"MNIST cannot be opened in .*nowhere \(Dataset not found"),
        ("NOSUCH", "torchvision has no data set 'NOSUCH' with images for training and testing"),
        ("FakeData", "torchvision has no data set 'FakeData'"),
    ],
)
def test_what_cannot_be_opened_is_named(torchvision, tmp_path, name, message):
    with pytest.raises(InputError, match=message):
        stimuli.torchvision_set(name, tmp_path / "nowhere")


def test_a_set_needs_its_folder():
    with pytest.raises(InputError, match="dataset is 'MNIST', but no folder"):
        ObjectRecognition(dataset="MNIST")
