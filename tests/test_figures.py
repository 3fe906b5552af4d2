"""What the pictures show, read back from their axes; how they look is judged by eye."""

import re

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from normenc import figures
from normenc.errors import InputError
from normenc.figures.common import COLOURS, figure_of, looks_of, palette, wrapped
from normenc.figures.saving import fits

ORIENTATION = np.arange(-90, 91, 5)
RNG = np.random.default_rng(0)


def matrix() -> np.ndarray:
    values = RNG.uniform(0, 2, size=(len(ORIENTATION), len(ORIENTATION)))
    return np.triu(values, 1) + np.triu(values, 1).T


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "recording": "simulated-v1",
            "encoder": ["fc", "fc, untrained", "pixels"],
            "task": ["tilt", None, None],
            "network": ["CNN", "CNN", "pixels"],
            "layer": ["fc", "fc", "pixels"],
            "kind": ["trained layer", "untrained twin", "control"],
            "seed": pd.array([1, 1, None], dtype="Int64"),
            "n_seeds": pd.array([1, 5, None], dtype="Int64"),
            "comparison": "pearson",
            "similarity": [0.5, 0.25, -0.125],
            "low": [0.4, 0.2, -0.25],
            "high": [0.6, 0.3, 0.0],
            "ceiling_lower": 0.7,
            "ceiling_upper": 0.9,
            "p_permutations_holm": [0.01, 0.2, 0.5],
        }
    )


def pairs(p_values=(0.01, 0.001, 0.5)) -> pd.DataFrame:
    return pd.DataFrame({"difference": [0.25, 0.625, 0.375], "p_holm": p_values})


def test_example_stimuli():
    axes = figures.example_stimuli(np.zeros((3, 4, 5)), [-45, 0, 45])
    assert [panel.get_title() for panel in axes.flat] == ["−45°", "0°", "45°"]


def test_rdms_share_one_scale_and_show_the_controls():
    populations = {"recording": matrix(), "pool": matrix()}
    controls = {"pixels": matrix()}
    axes = figures.rdms(populations, ORIENTATION, controls=controls)
    drawn = [panel for panel in axes.flat if panel.images]
    assert [panel.get_title() for panel in drawn] == ["recording", "pool", "pixels"]
    for panel, values in zip(drawn, [*populations.values(), *controls.values()], strict=True):
        assert panel.images[0].get_clim() == (0, 2)
        np.testing.assert_array_equal(panel.images[0].get_array(), values)
        # The tick for 0 degrees stands at the stimulus of 0 degrees.
        ticks = dict(zip((t.get_text() for t in panel.get_xticklabels()), panel.get_xticks(), strict=True))
        assert ORIENTATION[int(ticks["0°"])] == 0
    bars = [other for other in drawn[0].figure.axes if other.get_ylabel() == "dissimilarity (1 − r)"]
    assert len(bars) == 1


def cut_off(figure) -> list[str]:
    """Texts that reach beyond the figure."""
    figure.draw_without_rendering()
    edges = figure.bbox
    boxes = {text: text.get_window_extent() for text in figure.findobj(mpl.text.Text) if text.get_text().strip()}
    ends = {text.get_text(): (box.x0, box.y0, edges.x1 - box.x1, edges.y1 - box.y1) for text, box in boxes.items()}
    return [text for text, distances in ends.items() if min(distances) < -1]


def close_to_one(spread: float, n: int = 8) -> np.ndarray:
    values = 1 + np.linspace(-spread / 2, spread / 2, n * (n - 1) // 2)
    whole = np.zeros((n, n))
    whole[np.triu_indices(n, 1)] = values
    return whole + whole.T


@pytest.mark.parametrize("metric", ["correlation", "euclidean"])
def test_a_matrix_that_would_be_a_single_colour_is_drawn_by_percentiles(metric):
    flat, wide = close_to_one(0.02), close_to_one(1.8)
    axes = figures.rdms({"flat": flat, "wide": wide}, np.arange(0, 160, 20), metric=metric)
    for panel, said in zip(axes.flat, ("0.99 to 1.01", "0.10 to 1.90"), strict=True):
        # 28 pairs in order: the k-th lies at the percentile (k - 0.5) / 28, and both matrices look the same.
        drawn = np.asarray(panel.images[0].get_array())
        np.testing.assert_allclose(drawn[np.triu_indices(8, 1)], 100 * (np.arange(1, 29) - 0.5) / 28)
        assert (np.diag(drawn) == 0).all()
        assert panel.images[0].get_clim() == (0, 100)
        assert panel.get_xlabel() == said
    assert figure_of(axes).axes[-1].get_ylabel().endswith("percentile in each matrix")
    alone = figures.rdms({"wide": wide}, np.arange(0, 160, 20), metric=metric)
    assert alone.flat[0].images[0].get_clim() == ((0, 2) if metric == "correlation" else (0, 1))


def test_ties_share_a_percentile_and_unknown_dissimilarities_have_none():
    matrix = np.array([[0, 1.0, 1.0, np.nan], [1.0, 0, 1.01, 1.01], [1.0, 1.01, 0, 1.02], [np.nan, 1.01, 1.02, 0]])
    drawn = np.asarray(
        figures.rdms({"tied": matrix}, np.arange(4), period=None).flat[0].images[0].get_array().filled(-1)
    )
    np.testing.assert_allclose(drawn[np.triu_indices(4, 1)], [20, 20, -1, 60, 60, 90])


def test_equal_dissimilarities_are_no_reason_for_percentiles():
    axes = figures.rdms({"equal": 1 - np.eye(8)}, np.arange(0, 160, 20))
    assert axes.flat[0].images[0].get_clim() == (0, 2)


@pytest.mark.parametrize("n", [3, 8, 20, 60])
def test_every_layer_has_a_colour_of_its_own(n):
    names = [f"blocks.{k}" for k in range(n)]
    looks = looks_of(names)
    assert list(looks) == names
    assert len({colour for colour, _ in looks.values()}) == n
    assert len(set(palette(n))) == n


@pytest.mark.parametrize("name", ["efficientnet_lite0", "mobilenetv3_small_050", "denseblock3/conv2"])
def test_names_are_broken_where_their_parts_end(name):
    lines = wrapped(name, 14).split("\n")
    assert "".join(lines) == name
    assert all(line[-1] in "_./" for line in lines[:-1])
    rows = figures.shown_stimuli({"stimulus": np.zeros((2, 4, 4)), name: np.zeros((2, 4, 4))}, ["a", "b"])
    assert rows[1, 0].get_ylabel() == "\n".join(lines)


def test_similarity_bars_show_values_kinds_intervals_and_ceiling():
    axes = figures.similarity_bars(table(), pairs())
    ceiling, *bars = axes.patches
    assert (ceiling.get_x(), ceiling.get_width()) == (0.7, pytest.approx(0.2))
    np.testing.assert_allclose([bar.get_width() for bar in bars], [0.5, 0.25, -0.125])
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["CNN fc", "CNN fc, untrained (5 seeds)", "pixels"]
    assert [text.get_text() for text in axes.texts] == ["0.500", "0.250", "−0.125"]
    assert "simulated" in axes.get_title()
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend[:4] == ["noise ceiling", "trained", "untrained twin", "control"]
    assert legend[4:] == ["95 % CI", "above chance", "more similar\nthan the ticks"]
    assert axes.get_xlim()[0] < -0.25
    whiskers = [
        tuple(line.get_xdata())
        for line in axes.lines
        if tuple(line.get_xdata()) in [(0.4, 0.6), (0.2, 0.3), (-0.25, 0)]
    ]
    assert len(whiskers) == 3
    above = [line for line in axes.lines if line.get_marker() == "o" and line.get_color() == "white"]
    assert [float(line.get_ydata()[0]) for line in above] == [0]


def test_wings_say_who_beats_whom():
    axes = figures.similarity_bars(table(), pairs())
    winners = [line for line in axes.lines if line.get_marker() == "o" and line.get_color() == "black"]
    assert [float(line.get_ydata()[0]) for line in winners] == [0]  # the first beats both others, nobody else anyone
    start = float(winners[0].get_xdata()[0])
    ticks = [line for line in axes.lines if line.get_xdata()[0] == start < line.get_xdata()[-1]]
    assert [float(line.get_ydata()[0]) for line in ticks] == [1, 2]
    nothing = figures.similarity_bars(table(), pairs((0.2, 0.3, 0.4)))
    assert not [line for line in nothing.lines if line.get_marker() == "o" and line.get_color() == "black"]
    with pytest.raises(InputError, match="there are 2 pairs for 3 rows; give 3"):
        figures.similarity_bars(table(), pairs().head(2))


def test_a_bar_whose_interval_is_unknown_is_drawn_whole():
    similarity = table().assign(low=np.nan, high=np.nan)
    similarity.loc[0, "similarity"] = -0.6
    axes = figures.similarity_bars(similarity)
    assert axes.get_xlim()[0] < -0.6
    assert -0.6 in [bar.get_width() for bar in axes.patches]
    plt.close("all")


def test_without_a_ceiling_there_is_no_band():
    axes = figures.similarity_bars(table().assign(ceiling_lower=np.nan, ceiling_upper=np.nan))
    assert len(axes.patches) == 3


def test_the_legend_names_what_is_drawn_and_nothing_else():
    nothing = {
        "low": np.nan,
        "high": np.nan,
        "ceiling_lower": np.nan,
        "ceiling_upper": np.nan,
        "p_permutations_holm": 0.5,
    }
    axes = figures.similarity_bars(table().assign(**nothing), pairs((0.2, 0.3, 0.4)))
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["trained", "untrained twin", "control"]


def crowded(n: int = 22) -> pd.DataFrame:
    """Many rows of long names and many seeds, of values of both signs, one of them not known."""
    similarity = np.linspace(-0.6, 0.9, n)
    similarity[5] = np.nan
    network = np.arange(n) < n - 6
    return pd.DataFrame(
        {
            "recording": "a recording whose name is as long as the path of the file that it was read from",
            "encoder": [f"encoder {k}" for k in range(n)],
            "task": np.where(np.arange(n) < 9, "tilt", None),
            "network": ["A long name of a network"] * (n - 6) + [f"a control that has number {k}" for k in range(6)],
            "layer": [f"layer{k}" for k in range(n)],
            "kind": ["trained layer"] * 9 + ["untrained twin"] * (n - 15) + ["control"] * 6,
            "seed": pd.array(np.where(network, 123, None), dtype="Int64"),
            "n_seeds": pd.array(np.where(network, 128, None), dtype="Int64"),
            "comparison": "whitened-correlation",
            "similarity": similarity,
            "low": similarity - 0.4,
            "high": np.minimum(similarity + 0.4, 1),
            "p_permutations_holm": np.where(similarity > 0.3, 0.01, 0.5),
            "ceiling_lower": 0.7,
            "ceiling_upper": 0.95,
        }
    )


@pytest.mark.parametrize("picture", ["similarity_bars", "leaderboard"])
def test_no_label_stands_on_another_and_no_legend_is_cut(picture):
    with figures.sized("double"):
        axes = getattr(figures, picture)(crowded())
    assert fits(axes, "double")
    figure = np.atleast_1d(axes)[0].figure
    screen = np.atleast_1d(getattr(figures, picture)(crowded()))[0].figure
    for one in (figure, screen):
        one.draw_without_rendering()
        legend = (one.legends or [one.axes[0].get_legend()])[0].get_window_extent()
        assert one.bbox.x0 <= legend.x0 < legend.x1 <= one.bbox.x1
        assert one.bbox.y0 <= legend.y0 < legend.y1 <= one.bbox.y1


def test_wings_stand_clear_of_the_values():
    similarity = crowded()
    first, second = np.triu_indices(len(similarity), k=1)
    difference = similarity["similarity"].to_numpy()[first] - similarity["similarity"].to_numpy()[second]
    axes = figures.similarity_bars(
        similarity, pd.DataFrame({"difference": difference, "p_holm": np.where(np.abs(difference) > 0.8, 0.01, 0.5)})
    )
    axes.figure.draw_without_rendering()
    wings = [line for line in axes.lines if line.get_marker() == "o" and line.get_color() == "black"]
    assert len(wings) > 5
    leftmost = min(line.get_window_extent().x0 for line in wings)
    assert max(text.get_window_extent().x1 for text in axes.texts) < leftmost
    assert max(line.get_window_extent().x1 for line in wings) < axes.get_legend().get_window_extent().x0


def test_power_map_averages_over_generating_models():
    rows = [
        {"n_stimuli": s, "n_neurons": n, "n_animals": a, "n_repeats": 1, "generating": g, "recovered": value}
        for s in (10, 20)
        for n in (5, 50)
        for a in (1, 3)
        for g, value in (("one", 0.2), ("other", 0.8 if s == 10 else 1.0))
    ]
    axes = figures.power_map(pd.DataFrame(rows))
    assert [panel.get_title() for panel in axes.flat] == ["1 animal, 1 repeat", "3 animals, 1 repeat"]
    np.testing.assert_allclose(axes.flat[0].images[0].get_array(), [[0.5, 0.6], [0.5, 0.6]])
    assert [t.get_text() for t in axes.flat[0].get_xticklabels()] == ["10", "20"]


def test_power_map_of_pairs_shows_the_weakest():
    row = {"n_stimuli": 12, "n_neurons": 10, "n_animals": 1, "n_repeats": 1}
    pairs = pd.DataFrame([row | {"power": power} for power in (0.9, 0.15, 1.0)])
    axes = figures.power_map(pairs, value="power")
    assert [text.get_text() for text in axes[0, 0].texts] == ["0.15"]
    assert figure_of(axes).axes[-1].get_ylabel().replace("\n", " ") == "power of the test for the weakest pair"
    with pytest.raises(InputError, match="value is 'wins'; it must be one of recovered, power"):
        figures.power_map(pairs, value="wins")
    with pytest.raises(InputError, match=r"no column 'recovered'; give the rows of power\.csv"):
        figures.power_map(pairs)


@pytest.mark.parametrize("value", ["recovered", "power"])
@pytest.mark.parametrize("n", [1, 4])
def test_no_label_of_a_power_map_is_cut_off(value, n):
    row = {"n_animals": 1, "n_repeats": 1, value: 0.5}
    table = pd.DataFrame([row | {"n_stimuli": a, "n_neurons": b} for a in range(6, 6 + n) for b in range(4, 4 + n)])
    assert cut_off(figure_of(figures.power_map(table, value=value))) == []


@pytest.mark.parametrize("n_values", [1, 7])
def test_no_number_of_a_power_map_stands_over_another(n_values):
    amounts = [(stimuli, neurons) for stimuli in range(1, n_values + 1) for neurons in range(1, n_values + 1)]
    rows = [
        {"n_stimuli": s, "n_neurons": 1000 * n, "n_animals": a, "n_repeats": r, "recovered": 1.0}
        for s, n in amounts
        for a in (1, 5)
        for r in (1, 20)
    ]
    axes = figures.power_map(pd.DataFrame(rows))
    assert axes.shape == (2, 2)
    figure_of(axes).draw_without_rendering()
    for panel in axes.flat:
        boxes = [text.get_window_extent() for text in panel.texts]
        assert len(boxes) == n_values**2
        assert not any(one.overlaps(other) for k, one in enumerate(boxes) for other in boxes[k + 1 :])
    with pytest.raises(InputError, match="power has no column 'n_repeats'"):
        figures.power_map(pd.DataFrame(rows).drop(columns="n_repeats"))


def test_many_populations_stand_in_rows_of_four_at_most():
    populations = {f"layer {k}": matrix() for k in range(9)}
    axes = figures.rdms(populations, ORIENTATION, controls={"pixels": matrix()})
    assert axes.shape == (4, 3)
    assert [panel.get_title() for panel in axes.flat if panel.images] == [*populations, "pixels"]


@pytest.mark.parametrize("n", [1, 4, 7, 12])
@pytest.mark.parametrize("picture", ["rdms", "embeddings", "rdm_rows"])
def test_text_has_six_points_in_a_print_of_the_page(picture, n):
    values = RNG.normal(size=(len(ORIENTATION), 2)) if picture == "embeddings" else matrix()
    names = [f"layer {k}, untrained" for k in range(n)]
    controls = dict.fromkeys(["Fourier amplitude", "Gabor energy", "pixels"], values)
    figure = figure_of(getattr(figures, picture)(dict.fromkeys(names, values), ORIENTATION, controls=controls))
    figure.draw_without_rendering()
    smallest = min(text.get_fontsize() for text in figure.findobj(Text) if text.get_text().strip())
    assert smallest * min(1, 180 / 25.4 / figure.get_figwidth()) >= 6


def test_other_metrics_are_scaled_to_their_largest():
    values = matrix() * 100
    axes = figures.rdms({"V1": values}, ORIENTATION, metric="euclidean")
    np.testing.assert_allclose(axes.flat[0].images[0].get_array(), values / values.max())
    assert axes.flat[0].images[0].get_clim() == (0, 1)
    rows = figures.rdm_rows({"V1": values}, ORIENTATION, metric="euclidean")
    assert rows.flat[0].get_ylabel() == "dissimilarity (euclidean)"
    assert rows.flat[0].lines[0].get_ydata().max() <= 1


def test_similarity_bars_refuse_a_mixture():
    mixed = table().assign(comparison=["pearson", "spearman", "pearson"])
    with pytest.raises(InputError, match="one recording and one comparison"):
        figures.similarity_bars(mixed)


def test_rdm_rows_are_the_rows_at_the_reference():
    values = matrix()
    axes = figures.rdm_rows({"V1": values}, ORIENTATION, at=(-75, 23), controls={"pixels": matrix()})
    for panel, row in zip(axes.flat, [3, 23], strict=True):
        np.testing.assert_array_equal(panel.lines[0].get_ydata(), values[row])
        assert panel.lines[2].get_xdata()[0] == ORIENTATION[row]
    assert axes.flat[1].get_title() == "from 25°"


def test_rows_are_of_the_nearest_stimuli_on_the_circle_and_none_twice():
    six = np.arange(0, 180, 30)
    values = np.arange(36.0).reshape(6, 6)
    axes = figures.rdm_rows({"V1": values}, six)
    # -75 and 105 are one orientation, as -25 and 155 are; 75 lies between 60 and 90.
    assert [panel.get_title() for panel in axes.flat] == ["from 30°", "from 60°", "from 90°", "from 150°"]
    few = figures.rdm_rows({"V1": values[:2, :2]}, [0, 90])
    assert [panel.get_title() for panel in few.flat] == ["from 0°", "from 90°"]


def test_angles_are_written_to_a_hundredth_of_a_degree():
    axes = figures.example_stimuli(np.zeros((2, 4, 5)), [360 / 7, -22.5])
    assert [panel.get_title() for panel in axes.flat] == ["51.43°", "−22.5°"]


def test_tuning_curves_are_seeded_and_labelled():
    responses = RNG.normal(size=(len(ORIENTATION), 10))
    axes = figures.tuning_curves(
        {"V1": responses, "fc": responses[:, :2]}, ORIENTATION, seed=4, recording="V1", units="z-score"
    )
    assert axes.shape == (2, 3)
    for panel in axes[0]:
        unit = int(panel.get_title().rpartition(" ")[2])
        np.testing.assert_array_equal(panel.lines[0].get_ydata(), responses[:, unit])
    assert [axes[0, 0].get_title()[:10], axes[1, 0].get_title()[:8]] == ["V1: neuron", "fc: unit"]
    assert [row[0].get_ylabel() for row in axes] == ["response\n(z-score)", "response\n(a.u.)"]
    assert not axes[1, 2].axison  # two units have no third curve
    assert [label.get_text() for label in axes[1, 0].get_xticklabels()] == ["−90°", "−45°", "0°", "45°", "90°"]
    assert axes[1, 0].get_xlabel() == "orientation"
    again = figures.tuning_curves({"V1": responses}, ORIENTATION, seed=4, recording="V1")
    assert [panel.get_title() for panel in again[0]] == [panel.get_title() for panel in axes[0]]


def test_a_population_known_only_by_its_rdm_says_so_and_keeps_its_colour():
    responses = RNG.normal(size=(len(ORIENTATION), 4))
    axes = figures.tuning_curves({"V1": None, "pool": responses}, ORIENTATION)
    assert "V1: known only by its RDM" in axes[0, 0].texts[0].get_text()
    assert not any(panel.lines for panel in axes[0])
    assert axes[1, 0].lines[0].get_color() == COLOURS[1]


def test_stimuli_on_one_point_share_it_with_slices_of_their_colours():
    directions = np.arange(0, 360, 45.0)
    points = np.tile(np.random.default_rng(0).normal(size=(4, 2)), (2, 1))  # opposite directions are one image
    axes = figures.embeddings({"V1": points}, directions, period=360)
    whole, *slices = axes[0, 0].collections
    assert len(whole.get_offsets()) == len(slices) == 8
    places = [tuple(part.get_offsets()[0]) for part in slices]
    assert all(places.count(place) == 2 for place in places)
    shown = {float(part.get_array()[0]): tuple(part.get_offsets()[0]) for part in slices}
    assert sorted(shown) == directions.tolist()
    assert all(shown[angle] == shown[angle + 180] for angle in directions[:4])
    figure_of(axes).canvas.draw()
    red, green, blue, _ = np.moveaxis(np.asarray(figure_of(axes).canvas.buffer_rgba()), 2, 0).astype(int)
    for angle, (x, y) in shown.items():
        column, row = axes[0, 0].transData.transform((x, y)).round().astype(int)
        column += -2 if angle < 180 else 2
        colour = [int(channel[len(red) - row, column]) for channel in (red, green, blue)]
        assert colour == pytest.approx(255 * np.array(plt.get_cmap("twilight")(angle / 360)[:3]), abs=12)


def test_embeddings_colour_by_orientation():
    points = RNG.normal(size=(len(ORIENTATION), 2))
    axes = figures.embeddings({"V1": points}, ORIENTATION, controls={"pixels": points, "Fourier": points})
    dots = axes[0, 0].collections[0]
    np.testing.assert_array_equal(dots.get_offsets(), points)
    np.testing.assert_array_equal(dots.get_array(), ORIENTATION)
    assert dots.get_clim() == (-90, 90)
    assert dots.get_cmap().name == "twilight"
    assert not axes[0, 1].axison


def test_embeddings_of_images_are_coloured_by_given_values():
    points, names = RNG.normal(size=(4, 2)), ["a", "b", "c", "d"]
    plain = figures.embeddings({"V1": points}, names, period=None)
    assert len(figure_of(plain).axes) == 1
    bright = figures.embeddings(
        {"V1": points}, names, period=None, values=[0.1, 0.4, 0.2, 0.3], values_label="luminance"
    )
    dots, bar = bright[0, 0].collections[0], figure_of(bright).axes[-1]
    np.testing.assert_array_equal(dots.get_array(), [0.1, 0.4, 0.2, 0.3])
    assert (dots.get_clim(), bar.get_ylabel()) == ((0.1, 0.4), "luminance")
    sets = ["textures", "faces", "textures", "scenes"]
    grouped = figures.embeddings({"V1": points}, names, period=None, values=sets, values_label="image set")
    dots, bar = grouped[0, 0].collections[0], figure_of(grouped).axes[-1]
    figure_of(grouped).draw_without_rendering()
    shades = {name: tuple(colour) for name, colour in zip(sets, dots.get_facecolor(), strict=True)}
    assert len(set(shades.values())) == 3
    assert [label.get_text() for label in bar.get_yticklabels()] == ["faces", "scenes", "textures"]
    assert bar.get_ylabel() == "image set"
    with pytest.raises(InputError, match=r"values have shape \(3,\); give one for each of the 4 stimuli"):
        figures.embeddings({"V1": points}, names, period=None, values=[1, 2, 3])
    with pytest.raises(InputError, match="names of 8 groups; colours can tell 7 apart"):
        figures.embeddings({"V1": np.zeros((8, 2))}, list("abcdefgh"), period=None, values=list("abcdefgh"))


def test_colours_go_around_the_circle_whatever_the_range_of_the_orientations():
    points = RNG.normal(size=(6, 2))
    around, usual = (
        figures.embeddings({"V1": points}, angles)[0, 0].collections[0]
        for angles in (np.arange(0, 180, 30), [0, 30, 60, 90, -60, -30])
    )
    for figure in (around, usual):
        figure.figure.draw_without_rendering()
    np.testing.assert_allclose(around.get_facecolor(), usual.get_facecolor())


def test_axes_of_few_stimuli_name_these():
    axes = figures.rdms({"V1": matrix()[:6, :6]}, np.arange(0, 180, 30))
    names = [label.get_text() for label in axes[0, 0].get_xticklabels()]
    assert (names, list(axes[0, 0].get_xticks())) == (["0°", "60°", "120°"], [0, 2, 4])
    axes = figures.rdms({"V1": matrix()[:12, :12]}, np.arange(0, 360, 30), period=360)
    assert [label.get_text() for label in axes[0, 0].get_xticklabels()] == ["0°", "90°", "180°", "270°"]


def test_given_axes_are_drawn_on_and_too_few_refused():
    _, given = plt.subplots(1, 2)
    axes = figures.rdms({"a": matrix()}, ORIENTATION, controls={"b": matrix()}, axes=given)
    assert [panel.get_title() for panel in given] == ["a", "b"]
    assert list(axes.flat) == list(given)
    _, single = plt.subplots()
    assert figures.similarity_bars(table(), axes=single) is single
    with pytest.raises(InputError, match="2 axes were given; this figure needs 3"):
        figures.example_stimuli(np.zeros((3, 4, 5)), [-45, 0, 45], axes=given)


def test_save_gives_the_same_files_again_and_closes_the_figure(tmp_path):
    contents = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        paths = figures.save(figures.similarity_bars(table()), folder, "bars")
        assert [path.name for path in paths] == ["bars.png", "bars.svg"]
        contents.append([path.read_bytes() for path in paths])
    assert contents[0] == contents[1]
    assert not plt.get_fignums()


def test_nothing_global_changes():
    before = dict(plt.rcParams)
    figures.similarity_bars(table())
    assert dict(plt.rcParams) == before


@pytest.mark.parametrize("name", ["rdms", "rdm_rows", "similarity_bars"])
def test_no_text_is_cut_off(name, tmp_path):
    long = {"a recording with a rather long name": matrix(), "pool": matrix(), "fc": matrix()}
    controls = {"Fourier amplitude": matrix(), "pixels": matrix()}
    if name == "similarity_bars":
        axes = figures.similarity_bars(table().assign(recording="a recording with a rather long name"))
    else:
        axes = getattr(figures, name)(long, ORIENTATION, controls=controls)
    figure = figure_of(axes)
    figure.canvas.draw()
    box = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert box.x0 >= -0.02
    assert box.y0 >= -0.02
    assert box.x1 <= width + 0.02
    assert box.y1 <= height + 0.02


def test_names_in_an_svg_do_not_follow_from_digits_that_are_not_written(tmp_path):
    for name, left in (("a", 0.125), ("b", 0.125 + 1e-15)):
        axes = plt.figure().subplots()
        axes.set_position([left, 0.1, 0.8, 0.8])
        axes.plot([0, 1], [0, 1])
        figures.save(axes, tmp_path, name, formats=["svg"])
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    text = (tmp_path / "a.svg").read_text()
    assert set(re.findall(r'url\(#(\w+)\)|href="#(\w+)"', text))
    for pair in re.findall(r'url\(#(\w+)\)|href="#(\w+)"', text):
        assert f' id="{"".join(pair)}"' in text


def test_each_row_of_shown_stimuli_keeps_its_size_and_colours():
    rows = {"stimulus": np.random.default_rng(0).random((2, 6, 8, 3)), "networks": np.zeros((2, 3, 4))}
    panels = figures.shown_stimuli(rows, ["sea", 45.0])
    drawn = [[panel.get_images()[0].get_array() for panel in row] for row in panels]
    np.testing.assert_array_equal(drawn[0][1], rows["stimulus"][1])
    assert drawn[1][0].shape == (3, 4)
    assert [panel.get_title() for panel in panels[0]] == ["sea", "45°"]
    assert [row[0].get_ylabel() for row in panels] == ["stimulus", "networks"]


def circular_table():
    rows = pd.DataFrame({"encoder": ["fc", "pixels"]}).merge(
        pd.DataFrame({"part": ["whole", "profile", "rest"]}), "cross"
    )
    similarity = [0.5, 0.8, 0.1, 0.7, 0.9, np.nan]
    low, high = (np.array(similarity) + reach for reach in (-0.1, 0.1))
    shares = {"share": [1, 0.75, 0.25, 1, 1, 0.0], "share_of_data": [1, 0.96, 0.04] * 2}
    return rows.assign(recording="mine", similarity=similarity, low=low, high=high, **shares)


def test_parts_on_a_circle_show_matrices_shares_and_similarities():
    orientation = np.arange(-90, 90, 15.0)
    matrices = {
        name: {part: np.full((12, 12), k) for k, part in enumerate(["whole", "profile", "rest"], 1)}
        for name in ("mine", "fc")
    }
    panels = figures.circular_parts(circular_table(), matrices, orientation)
    titles = [panel.get_title() for panel in panels]
    assert titles == ["whole", "profile, 96 %", "rest, 4.0 %", "whole", "profile, 75 %", "rest, 25 %", ""]
    low, high = panels[2].images[0].get_clim()
    assert low == -high  # above and below the profile
    # The most similar encoder comes first, and each part is where its similarity is.
    assert [text.get_text() for text in panels[-1].get_yticklabels()] == ["pixels", "fc"]
    drawn = {line.get_label(): line.get_xdata() for line in panels[-1].lines if len(line.get_xdata()) == 2}
    assert drawn["profile"].tolist() == [0.8, 0.9] and drawn["whole"].tolist() == [0.5, 0.7]
    with pytest.raises(InputError, match="give three for each population, and one more"):
        figures.circular_parts(circular_table(), matrices, orientation, axes=panels[:3])
    with pytest.raises(InputError, match="rows of one recording, with a similarity"):
        figures.circular_parts(circular_table().assign(similarity=np.nan), matrices, orientation)
