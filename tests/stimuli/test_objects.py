import numpy as np
import pytest
from skimage import io

from normenc.errors import InputError
from normenc.stimuli import digits, image_folder


def write(folder, name, image):
    folder.mkdir(parents=True, exist_ok=True)
    io.imsave(folder / name, image, check_contrast=False)


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for level, kind in ((20, "dark"), (200, "light")):
        for index in range(8):
            image = np.clip(level + rng.normal(0, 5, (60, 70)), 0, 255).astype(np.uint8)
            write(tmp_path / kind, f"{index}.png", image)
    return tmp_path


def test_digits_are_drawn_where_the_table_says():
    drawn = digits(100, np.random.default_rng(0), background="plain", rotation=0)
    table = drawn.parameters
    for image, row in zip(drawn.images.numpy(), table.itertuples(), strict=True):
        ink = np.abs(image - np.median(image))
        rows, columns = np.indices(image.shape)
        assert abs((rows * ink).sum() / ink.sum() - row.row) < row.height / 4
        assert abs((columns * ink).sum() / ink.sum() - row.column) < row.height / 4
        outside = np.abs(rows - row.row) > row.height * 9 / 16 + 1  # a pixel of 8 fades over its half
        assert ink[outside].max(initial=0) < 1e-6
    assert table["digit"].nunique() == 10
    assert table["height"].between(0.4 * 48, 0.9 * 48).all()


def test_digits_for_testing_are_others():
    train, test = (digits(300, np.random.default_rng(0), background="plain", test=t).parameters for t in (False, True))
    assert train["example"].max() > 1000 > test["example"].max()  # three quarters, and one


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "n is 0"),
        ({"size": (0.9, 0.4)}, "size is"),
        ({"rotation": -1.0}, "rotation is -1"),
        ({"background": "forest"}, "background is 'forest'"),
        ({"resolution": 0.01}, "too small"),
    ],
)
def test_impossible_digits_are_named(options, message):
    with pytest.raises(InputError, match=message):
        digits(**{"n": 1, "rng": np.random.default_rng(0)} | options)


def test_a_folder_is_read_class_by_class(folder):
    train, test = (image_folder(folder, test=t) for t in (False, True))
    assert (len(train), len(test)) == (12, 4)
    assert not set(train.parameters["file"]) & set(test.parameters["file"])
    assert train.parameters["class"].tolist() == ["dark"] * 6 + ["light"] * 6
    assert train.images.shape == (12, 48, 64)
    levels = train.images.mean(dim=(1, 2)).numpy()
    np.testing.assert_allclose(levels, np.repeat([20, 200], 6) / 255, atol=0.01)


def test_an_image_is_cut_in_its_middle(folder):
    image = np.zeros((48, 128), np.uint8)
    image[:, 32:96] = 255
    for index in range(4):
        write(folder / "wide", f"{index}.png", image)
    found = image_folder(folder)
    assert float(found.images[-1].min()) == 1.0


def colour(folder):
    write(folder / "dark", "3.png", np.full((60, 70, 3), 9, np.uint8))


def small(folder):
    write(folder / "dark", "3.png", np.full((47, 70), 9, np.uint8))


def broken(folder):
    (folder / "dark" / "3.png").write_bytes(b"no picture")


def empty(folder):
    for file in (folder / "dark").iterdir():
        file.unlink()


def gone(folder):
    empty(folder)
    (folder / "dark").rmdir()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (colour, "3.png is in colour and .* is grey"),
        (small, "3.png: this image is 47 x 70 pixels, too small for 48 x 64"),
        (broken, "3.png: this image cannot be read"),
        (empty, "dark: there are 0 images"),
        (gone, "there are 1 classes"),
    ],
)
def test_a_folder_that_cannot_be_used_is_named(folder, spoil, message):
    spoil(folder)
    with pytest.raises(InputError, match=message):
        image_folder(folder)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="there is no such folder"):
        image_folder(tmp_path / "images")
