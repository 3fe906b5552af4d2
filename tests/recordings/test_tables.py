"""Tables as people make them: wide and long forms, all signs between cells and in numbers, and RDMs."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import squareform

from normenc import rsa
from normenc.errors import InputError
from normenc.recordings import load, save_rdm
from normenc.recordings.formats.tables import read_table
from normenc.recordings.formats.text_tables import read_csv

RNG = np.random.default_rng(0)
TRIALS = np.round(RNG.normal(size=(12, 9)), 3)
DEGREES = np.tile([0.0, 22.5, 45, 135], 3)
NEURONS = [f"n{number}" for number in range(9)]
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom", "utf-16-be-bom", "utf-32"]


def wide(**columns):
    table = pd.DataFrame({"orientation": DEGREES} | columns)
    return pd.concat([table, pd.DataFrame(TRIALS, columns=NEURONS)], axis=1)


def long_form():
    trial, neuron = (grid.ravel() for grid in np.indices(TRIALS.shape))
    return pd.DataFrame({"trial": trial, "neuron": neuron, "response": TRIALS.ravel(), "orientation": DEGREES[trial]})


def written(path, text, encoding="utf-8"):
    if encoding.endswith("-bom"):
        encoding = encoding.removesuffix("-bom")
        text = "\ufeff" + text
    path.write_bytes(text.encode(encoding))
    return path


def read(path, **names):
    return read_table(path, names)


def refused(path, **names):
    with pytest.raises(InputError) as caught:
        read_table(path, names)
    said = str(caught.value)
    assert len(said.splitlines()) == 1
    return said


@pytest.mark.parametrize("form", [wide, long_form])
@pytest.mark.parametrize(("sign", "decimal"), [(",", "."), (";", "."), (";", ","), ("\t", "."), ("\t", ",")])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt"])
def test_every_sign_between_cells_and_in_numbers(tmp_path, form, sign, decimal, suffix):
    text = form().to_csv(sep=sign, decimal=decimal, index=False)
    recording = load(written(tmp_path / f"r{suffix}", text))
    np.testing.assert_array_equal(recording.trials, TRIALS)
    np.testing.assert_array_equal(recording.orientation, [0, 22.5, 45, 135])


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("line", ["\n", "\r\n"])
def test_every_encoding_that_says_what_it_is(tmp_path, encoding, line):
    text = wide(session=["Tag 1", "Tag \u0394"] * 6).to_csv(sep=";", decimal=",", index=False)
    found = read(written(tmp_path / "r.csv", text.replace("\n", line), encoding))
    np.testing.assert_array_equal(found["responses"], TRIALS)
    assert found["session"].tolist() == ["Tag 1", "Tag \u0394"] * 6


def test_other_ways_of_writing_a_table(tmp_path):
    table = wide()
    for text in (
        "sep=;\n" + table.to_csv(sep=";", index=False),  # Excel's hint
        table.to_csv(sep=" ", index=False),
        table.to_csv(sep=" ", index=False).replace(" ", "   "),
        "# " + table.to_csv(index=False),  # numpy.savetxt
        "# of 2020, by me\n# 12 trials\n" + table.to_csv(index=False),
        "# of 2020\n# " + table.to_csv(index=False, sep="\t"),
        table.to_csv(index=False).replace(",", ", "),
        table.to_csv(index=False).replace("\n", ",\n"),  # a sign at the end of each line
        table.to_csv(index=True),  # pandas counts rows in a column without a name
        table.to_csv(index=False).replace("\n", "\n\n"),
        table.to_csv(index=False, quoting=1),
    ):
        found = read(written(tmp_path / "r.txt", text))
        np.testing.assert_array_equal(found["responses"], TRIALS)
        np.testing.assert_array_equal(found["orientation"], DEGREES)


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (["1,234", "2,345", "3,456"], "n0 holds 1,234, in which the comma may separate thousands or decimals; write"),
        (["1,234,567", "2,5", "3"], "'n0' holds '1,234,567'; write numbers like 1234.5"),
        (["1.234,5", "2,5", "3"], r"'n0' holds '1.234,5'; write numbers like 1234.5"),
        (["1,234.5", "2,5", "3"], r"'n0' holds '1,234.5'; write numbers like 1234.5"),
        (["1,5", "2.5", "3"], "n0 holds 1,5 but column n0 holds 2.5; write all numbers with the same decimal sign"),
        (["1 234", "2", "3"], "row 1: n0 '1 234' is not a number"),
        (["1'234", "2", "3"], 'row 1: n0 "1\'234" is not a number'),
    ],
)
def test_thousands_are_told_and_not_guessed(tmp_path, cells, says):
    rows = "\n".join(f"{15 * row};{cell}" + ";0" * 7 for row, cell in enumerate(cells))
    head = "orientation;" + ";".join(NEURONS[:8])
    assert says in refused(written(tmp_path / "r.csv", f"{head}\n{rows}\n"))


def test_thousands_of_a_decimal_comma_in_another_column_are_told(tmp_path):
    head = "orientation;" + ";".join(NEURONS[:8])
    text = f"{head}\n0;1,5;1.000" + ";0" * 6 + "\n15;0,5;2.000" + ";0" * 6 + "\n"
    assert "n0 holds 1,5 but column n1 holds 1.000" in refused(written(tmp_path / "r.csv", text))


def test_a_comma_that_is_certain_somewhere_is_one_everywhere(tmp_path):
    head = "orientation;" + ";".join(NEURONS[:8])
    rows = "\n".join(f"{15 * row};1,234;0,5" + ";,25" * 6 for row in range(3))
    found = read(written(tmp_path / "r.csv", f"{head}\n{rows}\n"))
    np.testing.assert_array_equal(found["responses"][0], [1.234, 0.5] + [0.25] * 6)
    np.testing.assert_array_equal(found["orientation"], [0, 15, 30])


def test_one_column_with_decimal_commas(tmp_path):
    table = read_csv(written(tmp_path / "r.csv", "orientation\n0\n22,5\n45\n"))
    np.testing.assert_array_equal(table["orientation"], [0, 22.5, 45])


def test_columns_become_neurons_by_their_names(tmp_path):
    table = wide(contrast=0.5, temporal_frequency=np.tile([1, 2], 6), session="a", trial=np.arange(12), area="V1")
    table.to_csv(tmp_path / "r.csv", index=False)
    found = read(tmp_path / "r.csv")
    np.testing.assert_array_equal(found["responses"], TRIALS)
    np.testing.assert_array_equal(found["temporal_frequency"], np.tile([1, 2], 6))
    assert found["neuron"].tolist() == NEURONS
    assert found["axes"] == "trial,neuron"
    assert found["area"] == "V1"
    assert found["notes"] == [
        "9 columns, n0 to n8, are neurons; orientation, contrast, temporal_frequency, session, trial are columns of "
        "trials"
    ]
    recording = load(tmp_path / "r.csv")
    assert recording.responses["neuron"].to_numpy().tolist() == NEURONS
    assert recording.area == "V1"


@pytest.mark.parametrize(
    "names",
    [
        ["cell1", "cell2", "cell3"],
        ["unit-12", "unit-7", "unit-101"],
        ["mouse1_roi3", "mouse1_roi17", "mouse2_roi1"],
        ["Neuron 1", "Neuron 2", "Neuron 3"],
        [str(number) for number in range(9)],
        [f"u{number:03}" for number in range(9)],
        [f"dff_{number}" for number in range(20)],
        [f"{letter}{letter}" for letter in "abcdefghijklmnopqrstu"],
    ],
)
def test_names_that_neurons_have(tmp_path, names):
    values = RNG.normal(size=(4, len(names)))
    others = pd.DataFrame({"speed": [0.0, 1, 2, 3], "orientation": [0, 45, 90, 135], "pupil_1": 1.0, "pupil_2": 2.0})
    pd.concat([others, pd.DataFrame(values, columns=names)], axis=1).to_csv(tmp_path / "r.csv", index=False)
    found = read(tmp_path / "r.csv")
    np.testing.assert_array_equal(found["responses"], values)
    assert found["neuron"].tolist() == names
    np.testing.assert_array_equal(found["speed"], others["speed"])


@pytest.mark.parametrize(
    "names",
    [
        ["a", "b", "c"],
        ["n0", "n1", "n2"],
        ["response1", "response2"],
        [f"t{number}" for number in range(50)],
        [f"time_{number}" for number in range(50)],
        [f"bin {number}" for number in range(50)],
        [f"pc{number}" for number in range(50)],
        [f"roi{number}_x" for number in range(50)],
        [f"V1_{number}" for number in range(20)] + [f"LM_{number}" for number in range(30)],
        [f"cell{number}" for number in range(3)] + [f"unit{number}" for number in range(3)],
    ],
)
def test_columns_that_may_be_something_else_are_asked_about(tmp_path, names):
    table = pd.DataFrame(RNG.normal(size=(4, len(names))), columns=names).assign(orientation=[0, 45, 90, 135])
    table.to_csv(tmp_path / "r.csv", index=False)
    said = refused(tmp_path / "r.csv")
    assert "names={'responses': 'n*'}" in said
    assert said.count(",") < 16  # ten columns at most
    np.testing.assert_array_equal(
        read(tmp_path / "r.csv", responses=f"{names[0]}*")["responses"][:, 0], table[names[0]]
    )


def test_a_pattern_chooses_neurons(tmp_path):
    wide(n_licks=3).rename(columns={"orientation": "theta"}).to_csv(tmp_path / "r.csv", index=False)
    found = read(tmp_path / "r.csv", responses="n[0-4]", orientation="theta")
    np.testing.assert_array_equal(found["responses"], TRIALS[:, :5])
    np.testing.assert_array_equal(found["orientation"], DEGREES)
    np.testing.assert_array_equal(found["n7"], TRIALS[:, 7])
    assert "theta" not in found
    for pattern in ("n?", "n*[0-9]"):
        assert load(tmp_path / "r.csv", names={"responses": pattern, "orientation": "theta"}).n_neurons == 9
    assert "which does not look like a neuron; for the first alone, pass names={'responses': 'n[0-9]*'}" in refused(
        tmp_path / "r.csv", responses="n*", orientation="theta"
    )
    assert load(tmp_path / "r.csv", names={"responses": "n?|n_licks", "orientation": "theta"}).n_neurons == 10
    there = "theta, n_licks, n0, n1, n2, n3, n4, n5, n6, n7 and 1 more"
    assert (
        refused(tmp_path / "r.csv", responses="x*")
        == f"there is no column 'x*' (for responses); the columns are {there}"
    )


@pytest.mark.parametrize("trial", [{}, {"trial": np.arange(12)}])
def test_what_the_animal_did_is_no_response_of_neurons(tmp_path, trial):
    table = wide(response=np.tile([0, 1, 1], 4), **trial)
    table.to_csv(tmp_path / "r.csv", index=False)
    found = read(tmp_path / "r.csv")
    np.testing.assert_array_equal(found["responses"], TRIALS)
    np.testing.assert_array_equal(found["response"], table["response"])
    assert load(tmp_path / "r.csv", where={"response": 1}).trials.shape == (8, 9)
    table.rename(columns=dict(zip(NEURONS, LETTERS, strict=False))).to_csv(tmp_path / "r.csv", index=False)
    assert "or, if each column is a neuron, give a pattern: names={'responses': 'n*'}" in refused(tmp_path / "r.csv")
    np.testing.assert_array_equal(read(tmp_path / "r.csv", responses="a:i")["responses"], TRIALS)


LETTERS = list("abcdefghijklmnopqrstuvwxyz")


def letters(**columns):
    values = RNG.normal(size=(12, len(LETTERS)))
    return pd.concat([pd.DataFrame(values, columns=LETTERS).assign(**columns), wide()[["orientation"]]], axis=1)


def test_columns_that_mean_something_among_names_that_tell_nothing(tmp_path):
    table = letters(isi=1.0, heartrate=2.0)
    table.to_csv(tmp_path / "r.csv", index=False)
    said = refused(tmp_path / "r.csv")  # p, s, t, x, y and z may be times and places
    assert "p, s, t among them may be something else; say which neighbouring columns are neurons: names=" in said
    found = read(tmp_path / "r.csv", responses="a:z")
    assert found["neuron"].tolist() == LETTERS
    np.testing.assert_array_equal(found["responses"], table[LETTERS])
    np.testing.assert_array_equal(found["isi"], table["isi"])
    assert "there is no column 'a:zz'" in refused(tmp_path / "r.csv", responses="a:zz")


@pytest.mark.parametrize("other", ["isi", "gain", "temp_C", "heartrate", "noise"])
def test_names_that_tell_nothing_are_all_said(tmp_path, other):
    names = [f"{letter}{letter}" for letter in LETTERS]
    table = letters().rename(columns=dict(zip(LETTERS, names, strict=True))).assign(**{other: 1.0, "kappa": 2.0})
    table.drop(columns=other).to_csv(tmp_path / "r.csv", index=False)
    found = read(tmp_path / "r.csv")
    assert found["neuron"].tolist() == [*names, "kappa"]
    assert f"are neurons: {', '.join(names)}, kappa; to choose" in found["notes"][1]
    table.to_csv(tmp_path / "r.csv", index=False)  # the other column now stands before the last
    assert f"and {other} among them may be something else" in refused(tmp_path / "r.csv")
    assert read(tmp_path / "r.csv", responses="aa:zz")["neuron"].tolist() == names


def test_a_text_in_a_neuron_is_told(tmp_path):
    table = wide().astype({"n3": object})
    table.loc[4, "n3"] = "oops"
    table.to_csv(tmp_path / "r.csv", index=False)
    assert refused(tmp_path / "r.csv") == "row 5: n3 'oops' is not a number; write it as 1.5, or leave it empty"
    table.loc[4, "n3"] = "NA"  # as R writes it
    table.to_csv(tmp_path / "r.csv", index=False)
    assert np.argwhere(np.isnan(read(tmp_path / "r.csv")["responses"])).tolist() == [[4, 3]]


def test_blanks_in_tables_have_no_stimulus(tmp_path):
    for word in ("", "NaN", "NA", "blank", "gray"):
        table = wide().astype({"orientation": object})
        table.loc[[2, 5], "orientation"] = word
        table.to_csv(tmp_path / "r.csv", index=False)
        assert np.flatnonzero(np.isnan(read(tmp_path / "r.csv")["orientation"])).tolist() == [2, 5]
    recording = load(tmp_path / "r.csv")
    np.testing.assert_array_equal(recording.blanks, TRIALS[[2, 5]])
    table = wide().drop(columns="orientation").assign(image=["cat", "", "dog"] * 4)
    table.to_csv(tmp_path / "i.csv", index=False)
    assert read(tmp_path / "i.csv")["image"].tolist() == ["cat", "", "dog"] * 4


def test_labels_of_neurons_beside_a_wide_table(tmp_path):
    wide().to_csv(tmp_path / "r.csv", index=False)
    labels = pd.DataFrame(
        {"neuron": NEURONS[::-1], "region": ["LM"] * 4 + ["V1"] * 5, "animal": "x", "depth": range(9)}
    )
    labels.to_csv(tmp_path / "r.neurons.csv", index=False)
    found = read(tmp_path / "r.csv")
    assert found["region"].tolist() == ["V1"] * 5 + ["LM"] * 4
    assert found["neuron_animal"].tolist() == ["x"] * 9
    assert found["depth"].tolist() == list(range(8, -1, -1))
    assert load(tmp_path / "r.csv", region="LM").n_neurons == 4
    labels[:5].to_csv(tmp_path / "r.neurons.csv", index=False)
    assert refused(tmp_path / "r.csv").startswith("r.neurons.csv has 5 rows, but there are 9 neurons")


def test_rows_that_are_no_trials(tmp_path):
    wide(trial=np.arange(12) // 2).to_csv(tmp_path / "r.csv", index=False)
    assert refused(tmp_path / "r.csv") == (
        "trial 0 has 2 rows; give one row per trial, or add a column time, or, in long form, a column neuron"
    )
    # Numbers that begin anew in each session are of trials of their own.
    wide(trial=np.arange(12) % 6, session=np.repeat(["a", "b"], 6)).to_csv(tmp_path / "r.csv", index=False)
    np.testing.assert_array_equal(read(tmp_path / "r.csv")["responses"], TRIALS)


def test_moments_of_trials_are_an_axis_of_their_own(tmp_path):
    order = RNG.permutation(12)
    table = wide(trial=np.repeat(np.arange(4), 3), time=np.tile([0.0, 0.5, 1.0], 4)).assign(
        orientation=np.repeat([0, 45, 90, 135], 3)
    )
    table.iloc[order].to_csv(tmp_path / "r.csv", index=False)
    found = read(tmp_path / "r.csv")
    assert found["responses"].dims == ("trial", "time", "neuron")
    np.testing.assert_array_equal(found["responses"], TRIALS.reshape(4, 3, 9))
    np.testing.assert_array_equal(found["time"], [0, 0.5, 1])
    assert found["time"].dims == ("time",)
    np.testing.assert_array_equal(found["orientation"], [0, 45, 90, 135])
    melted = table.melt(["trial", "time", "orientation"], var_name="neuron", value_name="response")
    melted.sample(frac=1, random_state=0).to_csv(tmp_path / "l.csv", index=False)
    found = read(tmp_path / "l.csv")
    assert found["responses"].dims == ("trial", "neuron", "time")
    np.testing.assert_array_equal(found["responses"], TRIALS.reshape(4, 3, 9).transpose(0, 2, 1))
    table.drop(index=5).to_csv(tmp_path / "r.csv", index=False)
    assert "1 of 12 pairs of trial and time are missing, the first of trial 1 and time 1.0" in refused(
        tmp_path / "r.csv"
    )


def test_other_columns_of_a_long_table_are_kept(tmp_path):
    table = long_form()
    trial, neuron = table["trial"].to_numpy(), table["neuron"].to_numpy()
    table = table.assign(
        contrast=np.array([0.1, 0.5])[trial % 2],
        roi=100 + neuron,
        sem=np.arange(108) / 7,
        responses="lick",
        species="mouse",
    )
    table.sample(frac=1, random_state=1).to_csv(tmp_path / "r.csv", index=False)
    found = read(tmp_path / "r.csv")
    np.testing.assert_array_equal(found["contrast"], np.tile([0.1, 0.5], 6))
    np.testing.assert_array_equal(found["roi"], np.arange(100, 109))
    np.testing.assert_array_equal(found["responses"], TRIALS)
    assert found["trials.responses"].tolist() == ["lick"] * 12
    assert "sem" not in found
    assert found["notes"] == ["sem was left out, because the values vary with both trials and neurons"]
    assert found["species"] == "mouse"


def test_trials_of_a_long_table_may_begin_anew_in_each_session(tmp_path):
    table = long_form().assign(session=lambda t: np.where(t["trial"] < 6, "day1", "day2"))
    table.assign(trial=table["trial"] % 6).to_csv(tmp_path / "r.csv", index=False)
    found = read(tmp_path / "r.csv")
    np.testing.assert_array_equal(found["responses"], TRIALS)
    assert found["session"].tolist() == ["day1"] * 6 + ["day2"] * 6


@pytest.mark.parametrize("form", [wide, long_form])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
def test_a_mapped_column_stands_under_its_new_name_only(tmp_path, form, suffix):
    path = tmp_path / f"r{suffix}"
    table = form().assign(orientation=lambda t: t["orientation"] * 2)  # directions of drift under another name
    table.to_parquet(path) if suffix == ".parquet" else table.to_csv(path, sep="\t", index=False)
    found = read(path, direction="orientation")
    assert "orientation" not in found
    np.testing.assert_array_equal(found["direction"], DEGREES * 2)
    recording = load(path, names={"direction": "orientation"})
    assert recording.kind == "direction"
    np.testing.assert_array_equal(recording.stimulus, [0, 45, 90, 270])


def test_a_mapped_column_takes_the_place_of_another(tmp_path):
    long_form().assign(dff=lambda t: t["response"] + 1).to_csv(tmp_path / "r.csv", index=False)
    found = read(tmp_path / "r.csv", responses="dff")
    np.testing.assert_allclose(found["responses"], TRIALS + 1)
    assert found["notes"] == ["column response was left out, because you mapped response to column dff"]
    # And two may change places.
    wide(direction=DEGREES * 2).to_csv(tmp_path / "r.csv", index=False)
    found = read(tmp_path / "r.csv", direction="orientation", orientation="direction")
    np.testing.assert_array_equal(found["direction"], DEGREES)
    np.testing.assert_array_equal(found["orientation"], DEGREES * 2)
    recording = load(tmp_path / "r.csv", names={"direction": "orientation"})
    np.testing.assert_array_equal(recording.stimulus, np.unique(DEGREES))
    # And one may serve as two.
    found = read(tmp_path / "r.csv", direction="orientation", repeat="orientation")
    np.testing.assert_array_equal(found["direction"], found["repeat"])


def test_messages_about_a_table_list_ten_columns(tmp_path):
    pd.DataFrame({f"x{number}": [1.0, 2] for number in range(500)}).to_csv(tmp_path / "r.csv", index=False)
    for names in ({}, {"orientation": "theta"}, {"neuron": "x1"}):
        assert refused(tmp_path / "r.csv", **names).count("x") < 16


RDM = squareform(np.round(RNG.uniform(0.1, 1.9, 66), 4))
THETA = np.arange(0, 180, 15.0)
IMAGES = [f"scene {number}" for number in range(12)]


def table_of(rdm=RDM, labels=THETA, corner="orientation"):
    return pd.DataFrame(rdm, index=labels, columns=labels).to_csv(index_label=corner)


@pytest.mark.parametrize("labels", [THETA, IMAGES])
def test_an_rdm_that_was_saved_as_a_table_is_read_back(tmp_path, labels):
    kind = "orientation" if labels is THETA else "image"
    save_rdm(RDM, labels, tmp_path / "r.csv", kind=kind, simulated=True)
    recording = load(tmp_path / "r.csv")
    assert recording.kind == kind
    np.testing.assert_array_equal(recording.stimulus, sorted(labels))
    order = np.argsort(labels)
    np.testing.assert_array_equal(recording.rdm, RDM[np.ix_(order, order)])
    assert recording.simulated


@pytest.mark.parametrize("diagonal", [0.0, np.nan])
@pytest.mark.parametrize(("sign", "decimal"), [(",", "."), (";", ","), ("\t", "."), (" ", ".")])
def test_a_bare_square_is_an_rdm_without_labels(tmp_path, diagonal, sign, decimal):
    matrix = RDM.copy()
    np.fill_diagonal(matrix, diagonal)
    text = pd.DataFrame(matrix).to_csv(sep=sign, decimal=decimal, header=False, index=False, na_rep="NaN")
    found = read(written(tmp_path / "r.txt", text))
    np.testing.assert_array_equal(found["rdm"], matrix)
    assert found.keys() == {"rdm", "notes"}
    np.testing.assert_array_equal(read(tmp_path / "r.txt", rdm="responses")["rdm"], matrix)


def test_rdms_with_labels_on_one_side_or_with_a_count(tmp_path):
    frame = pd.DataFrame(RDM, index=IMAGES, columns=IMAGES)
    for text in (
        frame.to_csv(index=False),
        frame.to_csv(header=False),
        frame.reset_index(drop=True).to_csv(),
        frame.to_csv(),
        frame.to_csv(sep=" ", quoting=2),
        # R's write.table has no cell above the names of rows.
        "\n".join([",".join(IMAGES), *frame.to_csv(header=False).splitlines()]),
    ):
        found = read(written(tmp_path / "r.csv", text))
        np.testing.assert_array_equal(found["rdm"], RDM)
        assert found["image"].tolist() == IMAGES
    for text in (pd.DataFrame(RDM).to_csv(), pd.DataFrame(RDM).to_csv(index=False)):
        assert read(written(tmp_path / "r.csv", text)).keys() == {"rdm", "notes"}


def test_labels_of_an_rdm_are_what_the_corner_or_the_user_says(tmp_path):
    path = written(tmp_path / "r.csv", table_of(corner="theta"))
    np.testing.assert_array_equal(read(path)["stimulus"], THETA)
    np.testing.assert_array_equal(read(path, orientation="theta")["orientation"], THETA)
    assert "its labels are called 'theta'" in refused(path, orientation="phi")
    assert "direction" in read(written(path, table_of(corner="direction")))
    mixed = table_of(labels=IMAGES).replace("\nscene 3,", "\nscene 99,")
    assert "column 4 is labelled 'scene 3' and row 4 'scene 99'" in refused(written(path, mixed))


@pytest.mark.parametrize("corner", ["", "ori"])
@pytest.mark.parametrize("kind", ["orientation", "direction"])
def test_numbers_that_label_an_rdm_are_names_until_told(tmp_path, corner, kind):
    path = written(tmp_path / "r.csv", table_of(corner=corner))
    recording = load(path)
    assert set(recording.stimulus.astype(float)) == set(THETA)
    assert any("labels of stimuli (0 to 165) are taken as names" in note for note in recording.notes)
    for own in ("stimulus", corner or "stimulus"):  # as the note says
        told = load(path, names={kind: own})
        assert told.kind == kind
        np.testing.assert_array_equal(told.stimulus, THETA)
        np.testing.assert_array_equal(told.rdm, RDM)
    if not corner:
        assert f"its labels have no name; call them stimulus: names={{{kind!r}: 'stimulus'}}" in refused(
            path, **{kind: "ori"}
        )


def test_labels_of_an_rdm_in_arrays(tmp_path):
    np.savez(tmp_path / "r.npz", rdm=RDM, stimulus=THETA)
    assert set(load(tmp_path / "r.npz").stimulus.astype(float)) == set(THETA)
    np.savez(tmp_path / "r.npz", rdm=RDM, stimulus=IMAGES)
    assert load(tmp_path / "r.npz").stimulus.tolist() == sorted(IMAGES)
    np.savez(tmp_path / "r.npz", rdm=RDM, theta=THETA)
    assert "if theta labels them, pass names={'orientation': 'theta'}" in " ".join(load(tmp_path / "r.npz").notes)


def test_degrees_that_count_are_labels_where_they_are_said_to_be(tmp_path):
    path = written(tmp_path / "r.csv", table_of(labels=range(1, 13)))
    assert read(path)["orientation"].tolist() == list(range(1, 13))
    with pytest.raises(InputError, match="looks like the numbers of 12 conditions"):
        load(path)


@pytest.mark.parametrize("head", ["", "rdm\n", "dissimilarity\n"])
def test_dissimilarities_of_all_pairs(tmp_path, head):
    column = "\n".join(map(str, squareform(RDM)))
    np.testing.assert_array_equal(read(written(tmp_path / "r.csv", f"{head}{column}\n"))["rdm"], RDM)
    if not head:
        row = ",".join(map(str, squareform(RDM)))
        np.testing.assert_array_equal(read(written(tmp_path / "r.csv", row))["rdm"], RDM)


def test_one_half_of_an_rdm_is_mirrored(tmp_path):
    for half in (np.triu(RDM), np.tril(RDM), np.where(np.triu(np.ones((12, 12))), np.nan, RDM)):
        text = pd.DataFrame(half).to_csv(header=False, index=False)
        found = read(written(tmp_path / "r.csv", text))
        np.testing.assert_array_equal(found["rdm"], RDM)
        assert found["notes"] == ["only one half of the RDM is given; the other half was filled in by symmetry"]


def test_squares_that_are_no_rdm_are_told(tmp_path):
    path = tmp_path / "r.csv"
    for matrix, says in (
        (RNG.normal(size=(12, 12)), "the first line has only numbers; name every column"),
        (RNG.normal(size=(12, 5)), "the first line has only numbers; name every column"),
        (np.where(np.eye(12), 1, 1 - RDM), "are symmetric with 1 on the diagonal, as similarities are"),
        (RNG.normal(size=(67, 1)), "it is 67 numbers in one column or row"),
    ):
        text = pd.DataFrame(matrix).to_csv(header=False, index=False)
        assert says in refused(written(path, text))
    assert "similarities" in refused(written(path, table_of(1 - RDM)))


SIMILAR = 1 - RDM / 2
HALVES_DIFFER = RDM + np.triu(RNG.uniform(0.001, 0.003, RDM.shape), 1)
SQUARES = {
    "halves differ": (HALVES_DIFFER, r"with 0 on the diagonal and halves that differ by up to 0\.00"),
    "cross-validated": (RDM + 0.15 * np.eye(12), "with 0.15 on the diagonal, as values between stimuli are"),
    "noisy diagonal": (RDM + np.diag(RNG.uniform(0.1, 0.2, 12)), "on the diagonal, as values between stimuli are"),
    "reliabilities": (np.where(np.eye(12), 0.97, SIMILAR * 0.9), "with 0.97 on the diagonal, as similarities are"),
    "percent": (100 * SIMILAR, "with 100 on the diagonal, as similarities are"),
    "one half": (np.tril(SIMILAR), "with 1 on the diagonal, as similarities are"),
}


@pytest.mark.parametrize("square", SQUARES)
@pytest.mark.parametrize("labels", [THETA, IMAGES, range(12), None])
def test_values_between_stimuli_are_not_taken_for_neurons(tmp_path, square, labels):
    matrix, says = SQUARES[square]
    if labels is None:
        np.savez(tmp_path / "r.npz", responses=matrix, image=IMAGES)
        with pytest.raises(
            InputError, match=f"{says}.*if they are responses of neurons, pass names=.'responses': 'responses'"
        ):
            load(tmp_path / "r.npz")
        recording = load(tmp_path / "r.npz", names={"responses": "responses"})
        assert recording.n_neurons == 12
    else:
        corner = "orientation" if labels is THETA else "image"
        path = written(tmp_path / "r.csv", table_of(matrix, labels=labels, corner=corner))
        said = refused(path)
        assert re.search(f"its 12 x 12 values .*{says}", said)
        columns = re.search("if its columns are neurons, pass names={'responses': '(.*)'}", said).group(1)
        assert read(path, responses=columns)["responses"].shape == (12, 12)


@pytest.mark.parametrize("labels", [IMAGES, THETA])
def test_anything_between_the_same_labels_is_questioned(tmp_path, labels):
    path = written(tmp_path / "r.csv", table_of(RNG.normal(size=(12, 12)), labels=labels, corner="image"))
    assert "have the same labels along rows and columns" in refused(path)
    path = written(tmp_path / "r.csv", table_of(RNG.normal(size=(12, 12)), labels=range(12), corner="image"))
    assert read(path)["responses"].shape == (12, 12)  # images and neurons that are both counted


def test_a_wide_table_as_long_as_it_is_wide_is_no_rdm(tmp_path):
    table = pd.DataFrame(TRIALS, columns=NEURONS).assign(orientation=DEGREES)[:10]
    table.to_csv(tmp_path / "r.csv", index=False)
    np.testing.assert_array_equal(read(tmp_path / "r.csv")["responses"], TRIALS[:10])
    zeros = pd.DataFrame(np.zeros((9, 9)), columns=NEURONS).assign(orientation=DEGREES[:9])
    zeros.to_csv(tmp_path / "r.csv", index=False)
    assert not read(tmp_path / "r.csv")["responses"].any()


def test_an_rdm_in_parquet(tmp_path):
    pd.DataFrame(RDM, index=IMAGES, columns=IMAGES).to_parquet(tmp_path / "r.parquet")
    found = read(tmp_path / "r.parquet")
    np.testing.assert_array_equal(found["rdm"], RDM)
    assert found["image"].tolist() == IMAGES


def test_an_rdm_of_a_table_is_compared_like_any_other(tmp_path):
    responses = RNG.normal(size=(12, 30))
    save_rdm(rsa.rdm(responses), THETA, tmp_path / "r.csv")
    np.testing.assert_allclose(load(tmp_path / "r.csv").rdm, 1 - np.corrcoef(responses), atol=1e-12)
