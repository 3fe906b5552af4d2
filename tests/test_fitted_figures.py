"""What pictures of fitted networks show, read back from their axes; how they look is judged by eye."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from normenc.errors import InputError
from normenc.figures import fitted
from normenc.figures.common import COLOURS

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def log(training, held_out) -> pd.DataFrame:
    return pd.DataFrame({"step": [3, 6, 9], "training_loss": training, "held_out_loss": held_out})


def test_losses_over_steps():
    logs = {"course": log([1.0, 0.5, 0.4], [1.1, 0.7, 0.8]), "Gaussian": log([0.9, 0.6, 0.5], [np.nan] * 3)}
    panel = fitted.loss_curves(logs, best={"course": 6})
    drawn = {line.get_label(): line for line in panel.lines if not line.get_label().startswith("_")}
    assert list(drawn) == ["course, training", "course, held out", "Gaussian, training"]
    for line in drawn.values():
        np.testing.assert_array_equal(line.get_xdata(), [3, 6, 9])
    np.testing.assert_array_equal(drawn["course, held out"].get_ydata(), [1.1, 0.7, 0.8])
    assert drawn["course, held out"].get_linestyle() == "--" and drawn["course, training"].get_linestyle() == "-"
    assert [to_hex(line.get_color()) for line in drawn.values()] == [c.lower() for c in (*[COLOURS[0]] * 2, COLOURS[1])]
    (mark,) = (line for line in panel.lines if line.get_marker() == "o")
    assert (mark.get_xdata().tolist(), mark.get_ydata().tolist()) == ([6], [0.7])
    assert panel.get_yscale() == "log"


@pytest.mark.parametrize(("smallest", "labelled"), [(0.3, True), (1e-6, False)])
def test_ticks_between_powers_of_ten_are_named_where_they_do_not_overlap(smallest, labelled):
    panel = fitted.loss_curves({"course": log([1.0, 0.5, smallest], [np.nan] * 3)})
    panel.figure.canvas.draw()
    assert any(tick.get_text() for tick in panel.yaxis.get_minorticklabels()) == labelled


def test_negative_losses_need_an_even_axis():
    assert fitted.loss_curves({"counts": log([0.2, -0.1, -0.3], [0.3, 0.1, 0.1])}).get_yscale() == "linear"


def test_filters_beside_their_start():
    before = RNG.standard_normal((3, 5, 5))
    after = before.copy()
    after[1] = -2 * before[1] + 1
    panels = fitted.learned_filters(before, after)
    assert panels.shape == (2, 3)
    for column in range(3):
        images = [panel.images[0] for panel in panels[:, column]]
        np.testing.assert_array_equal(images[0].get_array(), before[column])
        np.testing.assert_array_equal(images[1].get_array(), after[column])
        largest = np.abs([before[column], after[column]]).max()
        assert images[0].get_clim() == images[1].get_clim() == (-largest, largest)
    assert [panel.get_title() for panel in panels[1]] == ["r = 1.00", "r = −1.00", "r = 1.00"]
    many = fitted.learned_filters(np.ones((16, 3, 3)), np.ones((16, 3, 3)))
    assert many.shape == (2, 12) and many[1, 0].get_xlabel() == "first 12 of 16"


def test_maps_of_chosen_neurons():
    maps = RNG.random((30, 4, 6))
    panels = fitted.readout_maps(maps, neurons=[4, 20, 7], labels=["a", "b", "c"])
    for panel, neuron, title in zip(panels.flat, [4, 20, 7], "abc", strict=True):
        np.testing.assert_array_equal(panel.images[0].get_array(), maps[neuron])
        assert panel.images[0].get_clim() == (0, maps[neuron].max()) and panel.get_title() == title
    signed = fitted.readout_maps(maps - 0.5)
    assert [panel.get_title() for panel in signed.flat][::7] == ["neuron 0", "neuron 29"]
    low, high = signed.flat[0].images[0].get_clim()
    assert -low == high == np.abs(maps[0] - 0.5).max()


def test_positions_stand_where_neurons_read():
    positions = np.array([[0.0, 15.0], [11.0, 0.0], [5.5, 7.5]])
    panel = fitted.readout_positions(positions, (12, 16))
    np.testing.assert_array_equal(panel.collections[0].get_offsets(), positions[:, ::-1])
    assert panel.get_xlim() == (-0.5, 15.5) and panel.get_ylim() == (11.5, -0.5)
    assert panel.get_title() == "where 3 neurons read"
    coloured = fitted.readout_positions(positions, (12, 16), orientation=[-90.0, np.nan, 100.0])
    unknown, known = coloured.collections
    np.testing.assert_array_equal(unknown.get_offsets(), positions[[1], ::-1])
    np.testing.assert_array_equal(known.get_array(), [-90, -80])


def test_ellipses_are_one_standard_deviation():
    # Rows and columns that rise together, with standard deviations of 3 along that and of 1 across.
    covariance = np.array([[5.0, 4.0], [4.0, 5.0]])
    panel = fitted.readout_positions([[20.0, 30.0]], (41, 61), covariances=[covariance])
    outline = panel.collections[0].get_segments()[0] - [30, 20]
    np.testing.assert_allclose((outline @ np.linalg.inv(covariance) * outline).sum(axis=1), 1, atol=1e-9)
    size = np.linalg.norm(outline, axis=1)
    assert (size.min(), size.max()) == (pytest.approx(1, rel=0.01), pytest.approx(3, rel=0.01))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fitted.loss_curves({}), "there is no log to draw"),
        (
            lambda: fitted.loss_curves({"a": pd.DataFrame({"step": [1]})}),
            "the log of 'a' has no column 'training_loss'",
        ),
        (lambda: fitted.loss_curves({"a": log([1, 1, 1], [1, 1, 1])}, best={"a": 4}), "best of 'a' is step 4"),
        (lambda: fitted.learned_filters(np.ones((2, 3, 3)), np.ones((3, 3, 3))), "filters have shapes"),
        (lambda: fitted.readout_maps(np.ones((3, 3))), r"maps have shape \(3, 3\)"),
        (
            lambda: fitted.readout_maps(np.ones((2, 3, 3)), neurons=[2]),
            r"neurons are \[2\]; they must be numbers from 0 to 1",
        ),
        (lambda: fitted.readout_maps(np.ones((2, 3, 3)), labels=["a"]), "there are 1 labels for 2 neurons"),
        (lambda: fitted.readout_positions(np.ones(3), (4, 4)), r"positions have shape \(3,\)"),
        (lambda: fitted.readout_positions(np.ones((3, 2)), (4, 4), orientation=[1.0]), r"orientation has shape \(1,\)"),
        (lambda: fitted.readout_positions(np.ones((3, 2)), (4, 4), covariances=np.eye(2)), "covariances have shape"),
    ],
)
def test_what_cannot_be_drawn(call, message):
    with pytest.raises(InputError, match=message):
        call()
