"""Images from files: the grey that is seen, or a refusal where the file does not tell it."""

import struct

import numpy as np
import pytest
from PIL import Image

from normenc.errors import InputError
from normenc.stimuli.images import read_grey, read_image

RAMP = np.linspace(0, 1, 80)[None] * np.ones((60, 1))
BYTES = np.round(255 * RAMP).astype(np.uint8)
COLOURS = np.stack([BYTES] * 3, axis=-1)
OPAQUE = np.full((60, 80, 1), 255, np.uint8)


@pytest.mark.parametrize(
    ("image", "suffix"),
    [
        (Image.fromarray(BYTES), ".png"),
        (Image.fromarray(COLOURS), ".png"),
        (Image.fromarray(np.concatenate([COLOURS, OPAQUE], axis=2)), ".png"),
        (Image.fromarray(np.concatenate([BYTES[..., None], OPAQUE], axis=2), "LA"), ".png"),
        (Image.fromarray(np.round(65535 * RAMP).astype(np.uint16)), ".png"),
        (Image.fromarray(np.round(65535 * RAMP).astype(np.uint16)), ".tif"),
        (Image.fromarray(RAMP.astype(np.float32)), ".tif"),
        (Image.fromarray(COLOURS).convert("CMYK"), ".tif"),
        (Image.fromarray(COLOURS).convert("YCbCr"), ".tif"),
        (Image.fromarray(BYTES).convert("P"), ".png"),
    ],
    ids=["grey", "rgb", "rgba", "la", "16 bits", "16 bits tif", "float", "cmyk", "ycbcr", "palette"],
)
def test_the_grey_that_is_seen(tmp_path, image, suffix):
    image.save(tmp_path / f"a{suffix}")
    np.testing.assert_allclose(read_grey(tmp_path / f"a{suffix}")[0], RAMP, atol=0.008)


@pytest.mark.parametrize("turn", range(1, 9))
def test_images_are_turned_as_the_camera_says(tmp_path, turn):
    shown = np.zeros((32, 64), np.uint8)
    shown[:16, :16] = 255  # white in the upper left
    stored = {  # as EXIF defines them: how the stored image comes from the one that is seen
        1: shown, 2: shown[:, ::-1], 3: shown[::-1, ::-1], 4: shown[::-1],
        5: shown.T, 6: np.rot90(shown), 7: shown[::-1, ::-1].T, 8: np.rot90(shown, -1),
    }[turn]  # fmt: skip
    image = Image.fromarray(np.ascontiguousarray(stored))
    exif = image.getexif()
    exif[0x112] = turn
    image.save(tmp_path / "a.png", exif=exif)
    np.testing.assert_allclose(read_grey(tmp_path / "a.png")[0], shown / 255)


TRANSPARENT = np.concatenate([np.zeros_like(COLOURS), BYTES[..., None]], axis=2)


@pytest.mark.parametrize(
    ("image", "options", "says"),
    [
        (Image.fromarray(TRANSPARENT), {}, "partly transparent"),
        (Image.fromarray(np.stack([BYTES, BYTES], axis=2), "LA"), {}, "partly transparent"),
        (Image.fromarray(BYTES).convert("P"), {"transparency": 0}, "partly transparent"),
        (
            Image.fromarray((65535 * RAMP).astype(np.int32)),
            {"format": "TIFF"},
            "32-bit numbers without a known white level",
        ),
        (Image.fromarray(255 * RAMP.astype(np.float32)), {"format": "TIFF"}, "values from 0 to 255 without a known"),
        (
            Image.fromarray(BYTES),
            {"format": "TIFF", "save_all": True, "append_images": [Image.fromarray(BYTES)]},
            "holds 2 images; save each",
        ),
    ],
    ids=["rgba", "la", "palette", "32 bits", "float to 255", "pages"],
)
def test_what_does_not_tell_its_grey_is_refused(tmp_path, image, options, says):
    path = tmp_path / ("a.tif" if "format" in options else "a.png")
    image.save(path, **options)
    with pytest.raises(InputError, match=says):
        read_grey(path)


@pytest.mark.parametrize(("bits", "is_inverted"), [(12, False), (16, False), (16, True)])
def test_the_levels_of_a_tiff_are_those_that_it_states(tmp_path, bits, is_inverted):
    white = 2**bits - 1
    numbers = np.round(white * (1 - RAMP if is_inverted else RAMP)).astype("<u2")
    write_tiff(tmp_path / "a.tif", numbers, bits, 0 if is_inverted else 1)
    np.testing.assert_allclose(read_image(tmp_path / "a.tif"), RAMP, atol=1e-3)
    assert read_image(tmp_path / "a.tif").dtype == np.float32


def write_tiff(path, numbers, bits, photometric):
    """An uncompressed grey TIFF, by its specification: two numbers of 12 bits take three bytes."""
    height, width = numbers.shape
    data = numbers.tobytes()
    if bits == 12:
        pairs = numbers.reshape(-1, 2).astype(np.uint32)
        packed = pairs[:, 0] << 12 | pairs[:, 1]
        data = np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=1).astype(np.uint8).tobytes()
    tags = {256: width, 257: height, 258: bits, 259: 1, 262: photometric, 273: 8, 277: 1, 278: height, 279: len(data)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    head = struct.pack("<2sHI", b"II", 42, 8 + len(data))
    path.write_bytes(head + data + struct.pack("<H", len(tags)) + entries + bytes(4))
