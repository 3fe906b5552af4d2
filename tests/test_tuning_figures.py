"""What the pictures of tuning show, read back from their axes; how they look is judged by eye."""

import xml.etree.ElementTree as ElementTree

import matplotlib.pyplot as plt
import numpy as np
import pytest

from normenc import figures, tuning
from normenc.errors import InputError
from normenc.figures.common import COLOURS, figure_of, wrapped

ORIENTATION = np.arange(-90, 90, 5.0)
RNG = np.random.default_rng(0)
AWKWARD = "a $recording_{with} a name & <more> $ than anyone would wish to read in a picture"


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def bumps(preferred, stimuli=ORIENTATION, period=180.0) -> np.ndarray:
    return np.exp(4 * (np.cos(2 * np.pi / period * (stimuli[:, None] - np.asarray(preferred))) - 1))


def shares(panel) -> dict[float, float]:
    """Share by the middle of the wedge, in degrees, as its radius and angle tell."""
    return {
        round(float(np.degrees(bar.get_x() + bar.get_width() / 2)), 6): bar.get_height() ** 2 for bar in panel.patches
    }


def ring(panel) -> float:
    (line,) = panel.lines
    assert np.ptp(line.get_ydata()) == 0
    return float(line.get_ydata()[0]) ** 2


def test_wedges_have_areas_of_the_shares():
    axes = figures.preference_histogram({"V1": [0, 4.9, -4.9, 5.0, 44, 46, 180, np.nan]}, n_bins=18, recording="V1")
    found = shares(axes[0, 0])
    assert found.pop(0) == pytest.approx(4 / 7)  # 0, 4.9, -4.9 and 180
    assert found.pop(10) == pytest.approx(1 / 7)  # 5 is the first of the next bin
    assert (found.pop(40), found.pop(50)) == (pytest.approx(1 / 7), pytest.approx(1 / 7))
    assert not any(found.values())
    assert ring(axes[0, 0]) == pytest.approx(1 / 18)
    assert axes[0, 0].get_title() == "V1\n7 of 8 neurons"
    assert "degrees from vertical" in figure_of(axes).get_supxlabel()


def test_orientation_fills_the_upper_half_with_vertical_up_and_right_clockwise():
    panel = figures.preference_histogram({"V1": [-90, 89, 90, 30]}, n_bins=6)[0, 0]
    assert (panel.get_theta_offset(), panel.get_theta_direction()) == (pytest.approx(np.pi / 2), -1)
    assert (panel.get_thetamin(), panel.get_thetamax()) == (pytest.approx(-90), pytest.approx(90))
    # The bin around 90 degrees is that around -90; the panel shows half of each.
    assert shares(panel) == pytest.approx({-90: 0.75, -60: 0, -30: 0, 0: 0, 30: 0.25, 60: 0, 90: 0.75})
    assert [label.get_text() for label in panel.get_xticklabels()] == ["−90°", "−45°", "0°", "45°", "90°"]


def test_direction_fills_the_circle():
    panel = figures.preference_histogram({"V1": [0, 1, 180, 181, 350, 90]}, period=360, n_bins=4)[0, 0]
    assert shares(panel) == pytest.approx({-180: 2 / 6, -90: 0, 0: 3 / 6, 90: 1 / 6})
    assert sum(shares(panel).values()) == pytest.approx(1)
    assert panel.get_thetamax() - panel.get_thetamin() == pytest.approx(360)
    assert dict(
        zip((t.get_text() for t in panel.get_xticklabels()), np.degrees(panel.get_xticks()), strict=True)
    ) == pytest.approx({f"{angle}°": angle for angle in range(0, 360, 45)})
    assert figure_of(panel).get_supxlabel().startswith("preferred direction")


def test_only_tuned_units_are_counted_and_all_panels_share_a_scale():
    preferences = {"V1": [0.0, 30, 60, np.nan], "fc": [10.0, 10], "pool": [20.0]}
    tuned = {"V1": [True, True, False, True], "pool": [False]}
    axes = figures.preference_histogram(preferences, tuned=tuned, controls={"pixels": [0.0] * 1000}, recording="V1")
    titles = [panel.get_title() for panel in axes.flat][:4]
    assert titles == ["V1\n2 tuned of 4 neurons", "fc\n2 units", "pool\n0 tuned of 1 unit", "pixels\n1,000 units"]
    assert shares(axes[0, 0])[30] == pytest.approx(0.5)
    assert not any(shares(axes[0, 2]).values())
    assert len({panel.get_ylim() for panel in axes.flat[:4]}) == 1
    assert not axes[1, 1].axison
    for panel in axes.flat[:4]:
        assert ring(panel) == pytest.approx(1 / 18)
        # Rings are where the labels say: all units and a quarter of them.
        assert [text.get_text() for text in panel.texts] == ["25 %", "100 %"]
        np.testing.assert_allclose([text.xy[1] ** 2 for text in panel.texts], [0.25, 1])
        np.testing.assert_allclose(panel.get_yticks() ** 2, [0.25, 1])


def test_preference_histogram_refuses_what_it_cannot_draw():
    with pytest.raises(InputError, match="n_bins 7"):
        figures.preference_histogram({"V1": [0.0]}, n_bins=7)
    with pytest.raises(InputError, match="period is 90"):
        figures.preference_histogram({"V1": [0.0]}, period=90)
    with pytest.raises(InputError, match=r"'V1' has shape \(1, 1\)"):
        figures.preference_histogram({"V1": [[0.0]]})
    with pytest.raises(InputError, match=r"int64 of shape \(1,\); it must be bool of shape \(2,\)"):
        figures.preference_histogram({"V1": [0.0, 1.0]}, tuned={"V1": np.array([1])})
    with pytest.raises(InputError, match="no population"):
        figures.preference_histogram({})
    with pytest.raises(InputError, match="'V1' names a population and a control"):
        figures.preference_histogram({"V1": [0.0]}, controls={"V1": [0.0]})
    with pytest.raises(InputError, match="not polar"):
        figures.preference_histogram({"V1": [0.0]}, axes=plt.subplots()[1])


def test_cumulative_distributions_and_medians():
    values = np.array([0.5, 0.1, np.nan, 0.3])
    axes = figures.selectivity_distributions(
        {"V1": values, "fc": [0.2]}, controls={"pixels": [0.0, 1.0]}, index="global OSI", recording="V1"
    )
    steps = [line for line in axes.lines if line.get_drawstyle() == "steps-post"]
    np.testing.assert_allclose(steps[0].get_xdata(), [0.1, 0.1, 0.3, 0.5])
    np.testing.assert_allclose(steps[0].get_ydata(), [0, 1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(steps[1].get_xdata(), [0.2, 0.2])
    assert [line.get_color() for line in steps] == [*COLOURS[:2], "#777777"]
    medians = [line for line in axes.lines if line.get_marker() == "o"]
    assert sorted(float(line.get_xdata()[0]) for line in medians) == [0.2, 0.3, 0.5]
    assert {float(line.get_ydata()[0]) for line in medians} == {0.5}
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "V1\nmedian 0.30, 3 of 4 neurons",
        "fc\nmedian 0.20, 1 unit",
        "pixels\nmedian 0.50, 2 units",
    ]
    assert axes.get_xlabel() == "global OSI"
    assert axes.get_xlim() == (-0.02, 1.02)


def test_distributions_of_populations_without_any_index():
    _, given = plt.subplots()
    axes = figures.selectivity_distributions({"V1": None, "pool": [np.nan] * 3, "fc": [-0.5, 2.0]}, axes=given)
    assert axes is given
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "pool\n0 of 3 units",
        "fc\nmedian 0.75, 2 units",
    ]
    steps = [line for line in axes.lines if line.get_drawstyle() == "steps-post"]
    assert [line.get_color() for line in steps] == list(COLOURS[1:3])  # the recording's stays its own
    assert axes.get_xlim()[1] > 2
    with pytest.raises(InputError, match="one value for each unit"):
        figures.selectivity_distributions({"V1": []})


def test_rows_of_a_map_are_sorted_and_scaled():
    preferred = np.array([40.0, -80.0, np.nan, 0.0, 130.0])  # 130 is -50
    responses = bumps([40, -80, 0, 0, -50]) * [1, 10, 0, 3, 2] + [0, 5, 7, -1, 0]
    axes = figures.response_map({"V1": responses}, ORIENTATION, {"V1": preferred}, recording="V1")
    shown = axes[0, 0].images[0].get_array()
    low, high = responses.min(axis=0), responses.max(axis=0)
    for row, unit in enumerate([1, 4, 3, 0]):
        np.testing.assert_allclose(shown[row], (responses[:, unit] - low[unit]) / (high[unit] - low[unit]))
    assert shown.mask[4].all()  # the unit that answers all alike
    assert [line.get_ydata()[0] for line in axes[0, 0].lines] == [3.5]
    assert axes[0, 0].get_title() == "V1\n5 neurons\n1 prefer none"
    assert axes[0, 0].get_ylabel() == "neuron, sorted by preference"
    assert axes[0, 0].images[0].get_clim() == (0, 1)
    bars = [other for other in figure_of(axes).axes if "each unit scaled" in other.get_ylabel()]
    assert [bar.get_ylabel() for bar in bars] == ["response, each unit scaled:\nlowest 0, highest 1"]
    ticks = dict(zip((t.get_text() for t in axes[0, 0].get_xticklabels()), axes[0, 0].get_xticks(), strict=True))
    assert ORIENTATION[int(ticks["45°"])] == 45


def test_z_scores_and_controls_of_a_map():
    responses = RNG.normal(size=(6, 4)) * 7 + 3
    stimuli, preferences = np.arange(-90, 90, 30.0), {"V1": np.arange(4.0), "pixels": np.arange(4.0)[::-1]}
    axes = figures.response_map(
        {"RDM": None, "V1": responses}, stimuli, preferences, controls={"pixels": responses}, scale="z-score"
    )
    z = ((responses - responses.mean(axis=0)) / responses.std(axis=0)).T
    np.testing.assert_allclose(axes[0, 1].images[0].get_array(), z)
    np.testing.assert_allclose(axes[1, 0].images[0].get_array(), z[::-1])
    assert "known only by its RDM" in axes[0, 0].texts[0].get_text()
    assert not axes[0, 0].axison
    assert axes[0, 1].get_ylabel() == "unit, sorted by preference"


def test_a_large_map_averages_neighbours_and_says_so(tmp_path):
    preferred = np.linspace(-90, 89, 23_589)
    responses = (bumps(preferred) + RNG.normal(size=(len(ORIENTATION), 23_589))).astype(np.float32)
    axes = figures.response_map({"V1": responses}, ORIENTATION, {"V1": preferred})
    shown = axes[0, 0].images[0].get_array()
    scaled = (responses - responses.min(axis=0)) / np.ptp(responses, axis=0)
    assert shown.shape == (200, len(ORIENTATION))
    np.testing.assert_allclose(shown[7], scaled[:, 7 * 118 : 8 * 118].mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(shown[199], scaled[:, 199 * 118 :].mean(axis=1), rtol=1e-5)
    assert axes[0, 0].get_title() == "V1\n23,589 units, 118 per row"
    assert axes[0, 0].get_ylim() == (23_588.5, -0.5)
    assert axes[0, 0].images[0].get_extent() == [-0.5, len(ORIENTATION) - 0.5, 200 * 118 - 0.5, -0.5]
    path = figures.save(axes, tmp_path, "map")[1]
    assert path.stat().st_size < 300_000


def test_many_stimuli_share_columns():
    stimuli = np.linspace(-90, 89.9, 1001)
    responses = RNG.normal(size=(1001, 2))
    axes = figures.response_map({"V1": responses}, stimuli, {"V1": [0.0, 1.0]})
    scaled = (responses - responses.min(axis=0)) / np.ptp(responses, axis=0)
    shown = axes[0, 0].images[0].get_array()
    assert shown.shape == (2, 334)
    np.testing.assert_allclose(shown[0, 5], scaled[15:18, 0].mean())
    assert axes[0, 0].get_xlim() == (-0.5, 1000.5)


def test_response_map_refuses_what_it_cannot_draw():
    responses = np.ones((len(ORIENTATION), 2))
    with pytest.raises(InputError, match="'V1' has shape"):
        figures.response_map({"V1": responses[:-1]}, ORIENTATION, {"V1": [0.0, 1.0]})
    with pytest.raises(InputError, match="preferences has none for 'V1'"):
        figures.response_map({"V1": responses}, ORIENTATION, {})
    with pytest.raises(InputError, match="'V1' has 3 preferences for 2 units"):
        figures.response_map({"V1": responses}, ORIENTATION, {"V1": [0.0, 1.0, 2.0]})
    with pytest.raises(InputError, match="scale is 'peak'"):
        figures.response_map({"V1": responses}, ORIENTATION, {"V1": [0.0, 1.0]}, scale="peak")


def test_a_spectrum_its_power_law_and_the_reference():
    spectrum = 5.0 * np.arange(1, 101) ** -1.5
    exponent, _ = tuning.power_law_exponent(spectrum)
    axes = figures.eigenspectrum({"V1": spectrum, "fc": [2.0]}, {"V1": exponent}, controls={"pixels": [3.0, 1.0]})
    line, law, single, control, reference = axes.lines
    np.testing.assert_array_equal(line.get_xdata(), np.arange(1, 101))
    np.testing.assert_allclose(line.get_ydata(), spectrum / spectrum.sum())
    np.testing.assert_array_equal(law.get_xdata(), [11, 100])
    np.testing.assert_allclose(law.get_ydata(), (spectrum / spectrum.sum())[[10, 99]])
    assert (law.get_linestyle(), law.get_color()) == ("--", line.get_color())
    np.testing.assert_allclose(single.get_xydata(), [[1, 1]])
    np.testing.assert_allclose(control.get_ydata(), [0.75, 0.25])
    x, y = reference.get_data()
    assert np.diff(np.log(y)) / np.diff(np.log(x)) == pytest.approx(-1)
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "V1",
        "exponent 1.50, ranks 11–100",
        "fc",
        "pixels",
        "slope −1",
    ]


def test_the_axis_of_variances_ends_where_they_do():
    spectrum = np.array([1.0, 0.1, 7e-4])
    low, high = figures.eigenspectrum({"V1": spectrum}).get_ylim()
    smallest = spectrum[-1] / spectrum.sum()
    assert smallest / 2 < low < smallest and high > 1


def test_the_law_lies_where_the_fit_lies():
    spectrum = np.arange(1, 301) ** -1.1 * np.exp(RNG.normal(0, 0.3, 300))
    exponent, _ = tuning.power_law_exponent(spectrum, ranks=(5, 200))
    axes = figures.eigenspectrum({"V1": spectrum}, {"V1": exponent}, ranks=(5, 200))
    rank, share = np.arange(5, 201), spectrum[4:200] / spectrum.sum()
    fit = np.polyfit(np.log(rank), np.log(share), 1, w=rank**-0.5)  # NumPy squares the weights
    law = axes.lines[1]
    np.testing.assert_allclose(np.log(law.get_ydata()), np.polyval(fit, np.log([5, 200])))


def test_variances_that_are_not_positive_are_left_out():
    axes = figures.eigenspectrum({"V1": [4.0, -1.0, 1.0, 0.0, 1e-12], "none": np.zeros(3), "RDM": None})
    np.testing.assert_allclose(axes.lines[0].get_xydata(), [[1, 0.8], [3, 0.2]])
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["V1", "none\nno positive variance", "slope −1"]
    with pytest.raises(InputError, match="'V1' has an exponent but no positive variance at ranks 11 to 500"):
        figures.eigenspectrum({"V1": [4.0, 1.0]}, {"V1": 1.0})
    with pytest.raises(InputError, match="one variance per component"):
        figures.eigenspectrum({"V1": np.ones((2, 2))})


def test_decades_are_written_without_mathematics():
    axes = figures.eigenspectrum({"V1": np.arange(1, 5001) ** -1.5})
    axes.figure.canvas.draw()
    texts = {text.get_text() for text in (*axes.get_xticklabels(), *axes.get_yticklabels())}
    assert {"1", "10", "100", "1,000", "10⁻¹", "10⁻⁶"} <= texts
    assert not any("$" in text for text in texts)


def test_best_units_come_first_and_tell_their_score():
    responses = RNG.normal(size=(len(ORIENTATION), 5))
    scores = {"V1": [0.2, np.nan, 0.9, 0.5, 0.5], "fc": [np.nan, 0.25]}
    axes = figures.tuning_curves(
        {"V1": responses, "fc": responses[:, :2]}, ORIENTATION, scores=scores, score="reliability", recording="V1"
    )
    titles = [panel.get_title() for panel in axes[0]]
    assert titles == [f"V1: neuron {unit}\nreliability {s}" for unit, s in [(2, "0.90"), (3, "0.50"), (4, "0.50")]]
    np.testing.assert_array_equal(axes[0, 0].lines[0].get_ydata(), responses[:, 2])
    assert [panel.get_title() for panel in axes[1]] == ["fc: unit 1\nreliability 0.25", "", ""]
    # Panels with none below them tell their orientations.
    assert [axes[0, k].get_xlabel() for k in range(3)] == ["", "orientation", "orientation"]


def test_units_are_titled_by_their_names_where_these_are_given():
    names = {"V1": ["17", "4", "ROI of a name that takes two lines"]}
    axes = figures.tuning_curves(
        {"V1": bumps([0, 10, 20]), "fc": bumps([0])},
        ORIENTATION,
        chosen={"V1": [2, 0], "fc": [0]},
        names=names,
        recording="V1",
    )
    titles = [panel.get_title() for panel in axes.flat]
    assert titles == ["V1:\nneuron ROI of a name that\ntakes two lines", "V1: neuron 17", "fc: unit 0", ""]
    with pytest.raises(InputError, match="there are 2 names for 'V1'; give one for each of the 3 units"):
        figures.tuning_curves({"V1": bumps([0, 10, 20])}, ORIENTATION, names={"V1": ["a", "b"]})


def test_ticks_of_few_stimuli_stand_where_there_was_one():
    for angles, period, expected in (
        (np.arange(-90, 90, 30.0), 180, ["−60°", "0°", "60°"]),
        (np.arange(0, 360, 30.0), 360, ["0°", "90°", "180°", "270°"]),
        (np.arange(0, 360, 36.0), 360, ["0°", "108°", "216°", "324°"]),
        (np.arange(-90, 90, 45.0), 180, ["−90°", "−45°", "0°", "45°"]),
    ):
        axes = figures.response_map(
            {"V1": RNG.normal(size=(len(angles), 3))}, angles, {"V1": [0.0, 1, 2]}, period=period
        )
        assert [label.get_text() for label in axes[0, 0].get_xticklabels()] == expected
        for place, label in zip(axes[0, 0].get_xticks(), expected, strict=True):
            assert angles[int(place)] == float(label.replace("−", "-").rstrip("°"))


def test_chosen_units_with_errors_and_fits():
    responses, fine = bumps([0, 10, 20]), np.linspace(-90, 85, 300)
    errors = np.full_like(responses, 0.25)
    errors[3] = np.nan
    axes = figures.tuning_curves(
        {"V1": responses, "fc": responses},
        ORIENTATION,
        chosen={"V1": [2, 0], "fc": [1]},
        standard_errors={"V1": errors},
        fits={"V1": bumps([0, 10, 20], fine)},
        fit_orientation=fine,
    )
    assert axes.shape == (2, 2)
    assert [panel.get_title() for panel in axes.flat] == ["V1: unit 2", "V1: unit 0", "fc: unit 1", ""]
    dots, curve = axes[0, 0].lines
    assert (dots.get_linestyle(), curve.get_linestyle()) == ("None", "-")
    np.testing.assert_array_equal(dots.get_ydata(), responses[:, 2])
    np.testing.assert_allclose(curve.get_xydata(), np.stack([fine, bumps([20], fine)[:, 0]], axis=1))
    edges = np.concatenate([path.vertices for path in axes[0, 0].collections[0].get_paths()])
    at_zero = edges[edges[:, 0] == 0, 1]
    assert (at_zero.min(), at_zero.max()) == pytest.approx((bumps([20])[18, 0] - 0.25, bumps([20])[18, 0] + 0.25))
    assert not (edges[:, 0] == ORIENTATION[3]).any()  # no band where the error is not known
    assert not axes[1, 0].collections
    assert axes[1, 0].lines[0].get_linestyle() == "-"


def test_directions_have_their_own_axis():
    directions = np.arange(0, 360, 15.0)
    panel = figures.tuning_curves({"V1": bumps([0], directions, 360)}, directions, n_units=1, period=360)[0, 0]
    assert [label.get_text() for label in panel.get_xticklabels()] == ["0°", "90°", "180°", "270°"]
    assert panel.get_xlabel() == "direction"


def test_tuning_curves_refuse_what_they_cannot_draw():
    responses = {"V1": np.ones((len(ORIENTATION), 3))}
    with pytest.raises(InputError, match="both scores and chosen"):
        figures.tuning_curves(responses, ORIENTATION, scores={"V1": [1, 2, 3]}, chosen={"V1": [1]})
    with pytest.raises(InputError, match="unit 3; there are 3, numbered from 0"):
        figures.tuning_curves(responses, ORIENTATION, chosen={"V1": [0, 3]})
    with pytest.raises(InputError, match="chosen has no units of 'V1'"):
        figures.tuning_curves(responses, ORIENTATION, chosen={})
    with pytest.raises(InputError, match="scores has none for 'V1'"):
        figures.tuning_curves(responses, ORIENTATION, scores={})
    with pytest.raises(InputError, match=r"scores of 'V1' have shape \(2,\)"):
        figures.tuning_curves(responses, ORIENTATION, scores={"V1": [1, 2]})
    with pytest.raises(InputError, match="standard_errors of 'V1' have shape"):
        figures.tuning_curves(responses, ORIENTATION, standard_errors={"V1": np.ones((3, 3))})
    with pytest.raises(InputError, match="must be 36 stimuli x units"):
        figures.tuning_curves({"V1": np.ones((5, 3))}, ORIENTATION)


def draw(name: str):
    preferred = np.linspace(-90, 80, 60)
    responses = {AWKWARD: bumps(preferred), "fc": bumps(preferred[:1])}
    values = {AWKWARD: preferred, "fc": preferred[:1]}
    if name == "response_map":
        return figures.response_map(responses, ORIENTATION, values, recording=AWKWARD)
    if name == "tuning_curves":
        return figures.tuning_curves(responses, ORIENTATION, recording=AWKWARD, units="deconvolved ($ per <s>) events")
    if name == "eigenspectrum":
        return figures.eigenspectrum(values | {AWKWARD: np.arange(1, 61) ** -1.0}, {AWKWARD: 1.0})
    return getattr(figures, name)(values, recording=AWKWARD)


@pytest.mark.parametrize(
    "name",
    ["tuning_curves", "preference_histogram", "selectivity_distributions", "response_map", "eigenspectrum"],
)
def test_any_name_is_drawn_as_it_is_and_nothing_is_cut_off(name, tmp_path):
    before = dict(plt.rcParams)
    axes = draw(name)
    figure = figure_of(axes)
    figure.canvas.draw()
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert min(box.x0, box.y0) >= -0.02
    assert max(box.x1 - width, box.y1 - height) <= 0.02
    paths = figures.save(axes, tmp_path, name)
    assert "$recording_{wi" in paths[1].read_text(encoding="utf-8")
    ElementTree.parse(paths[1])
    assert dict(plt.rcParams) == before


def test_names_take_two_lines_at_most():
    assert wrapped("pool", 10) == "pool"
    assert wrapped("pool of the CNN", 10) == "pool of\nthe CNN"
    assert wrapped("pool of the trained CNN", 10) == "pool of\nthe train…"
    assert wrapped("x" * 30, 10) == "x" * 10 + "\n" + "x" * 9 + "…"


def test_a_saved_picture_is_the_same_again(tmp_path):
    contents = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        contents.append([path.read_bytes() for path in figures.save(draw("preference_histogram"), folder, "rose")])
    assert contents[0] == contents[1]
