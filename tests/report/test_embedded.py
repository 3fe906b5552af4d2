"""Pictures that the page embeds."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image
from skimage import data

from normenc.report.embedded import picture_uri, sheet_uri

RNG = np.random.default_rng(0)


def png_of(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def decoded(uri: str) -> bytes:
    return base64.b64decode(uri.partition(",")[2])


@pytest.mark.parametrize(("n_colours", "alpha", "smaller"), [(7, 255, 0.6), (5000, 255, 1.0), (7, 100, None)])
def test_images_in_a_figure_keep_every_pixel(n_colours, alpha, smaller):
    """Those of an RDM have the few colours of a colour map; photographs have many; a transparent one stays as it is."""
    colours = np.column_stack([RNG.integers(0, 256, (n_colours, 3)), np.full(n_colours, alpha)]).astype(np.uint8)
    pixels = colours[RNG.integers(0, n_colours, (60, 90))]
    given = png_of(pixels)
    svg = f'<svg>Größe<image href="data:image/png;base64,\n{base64.b64encode(given).decode()}"/><text/></svg>'
    uri = picture_uri(svg.encode())
    assert uri.startswith("data:image/svg+xml;base64,")
    text = decoded(uri).decode()
    found = re.search('base64,([^"]+)"', text)
    assert found
    assert text.replace(found[1], "") == re.sub('base64,[^"]+"', 'base64,"', svg)
    packed = base64.b64decode(found[1])
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(packed)).convert("RGBA")), pixels)
    assert packed == given if smaller is None else len(packed) <= smaller * len(given)


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_small_sheet_is_embedded_as_it_is_and_a_large_one_in_fewer_bytes(mode):
    photograph = np.asarray(Image.fromarray(data.astronaut()).convert(mode))
    small = png_of(photograph[:128, :128])
    assert sheet_uri(small) == "data:image/png;base64," + base64.b64encode(small).decode()
    large = np.concatenate([photograph, photograph[::-1]], axis=1)
    uri = sheet_uri(png_of(large))
    assert uri.startswith("data:image/jpeg;base64,")
    assert len(uri) < 0.7 * len(png_of(large))
    seen = np.asarray(Image.open(io.BytesIO(decoded(uri)))).astype(float)
    assert seen.shape == large.shape
    assert np.abs(seen - large).mean() < 2  # of 255 levels
