"""Tables as runs of format 1 wrote them, typed by hand."""

from io import StringIO

import pandas as pd
import pytest

from normenc.csv_tables import did_not_learn, read_table
from normenc.errors import InputError
from normenc.runs.older_tables import check_format, read_run_table, upgraded

SIMILARITY = """recording,task,model,layer,label,trained,seed,n_seeds,similarity
V1,tilt,FC,fc,tilt FC fc,True,12,2,0.5
V1,digits,FC,fc,digits FC fc,True,12,2,0.4
V1,,FC,fc,"fc, untrained",False,12,5,0.3
V1,,pixels,pixels,pixels,False,,,0.6
"""
BY_SEED = """recording,task,model,layer,trained,seed,similarity
V1,tilt,FC,fc,True,12,0.6
V1,tilt,FC,fc,True,13,0.4
V1,digits,FC,fc,True,12,0.4
V1,,FC,fc,False,12,0.3
V1,,pixels,pixels,False,,0.6
"""
DIFFERENCES = """recording,model,other,kind,difference
V1,tilt FC fc,tilt FC out,layer,0.1
V1,tilt FC fc,"fc, untrained",untrained twin,0.2
V1,digits FC fc,pixels,control,-0.2
"""
OVER_TRAINING = """recording,task,model,layer,epoch,similarity
V1,tilt,FC,fc,0,0.3
V1,digits,FC,fc,5,0.4
"""
TUNING = """population,recording,n_all
V1,True,60
tilt FC fc,False,10
pixels,False,768
"""
UNITS = """population,neuron,unit,gosi
V1,7,,0.5
pixels,,3,0.1
"""
PREDICTIVITY = """recording,task,model,layer,trained,seed,label,kind,r
V1,tilt,FC,fc,True,12,tilt FC fc,trained layer,0.3
V1,,FC,fc,False,12,"fc, untrained",untrained twin,0.2
V1,,point readout,output,True,0,point readout,fitted to the neurons,0.5
"""
FAILURES = """task,model,seed,layer,reason,settings
tilt,CNN,13,,it diverged,{}
digits,CNN,,pool,all alike,{}
"""
TRAINING = """task,model,seed,epoch,step,loss
tilt,007,12,1,1,0.5
"""


def table(text: str) -> pd.DataFrame:
    return read_table(StringIO(text))


def rows(text: str, columns: str) -> list:
    found = upgraded(table(text), upgraded(table(SIMILARITY)))[columns.split()]
    return found.astype(object).where(found.notna(), None).to_numpy().tolist()


WHO = "encoder task network layer kind seed"
TILT = ["tilt FC fc", "tilt", "FC", "fc", "trained layer", 12]
DIGITS = ["digits FC fc", "digits", "FC", "fc", "trained layer", 12]
TWIN = ["fc, untrained", None, "FC", "fc", "untrained twin", 12]
PIXELS = ["pixels", None, "pixels", "pixels", "control", None]
NOBODY = [None] * 6


@pytest.mark.parametrize(
    ("text", "columns", "expected"),
    [
        (SIMILARITY, WHO, [TILT, DIGITS, TWIN, PIXELS]),
        (OVER_TRAINING, WHO, [TILT, DIGITS]),
        (
            TUNING,
            f"population recording {WHO}",
            [["V1", True, *NOBODY], ["tilt FC fc", False, *TILT], ["pixels", False, *PIXELS]],
        ),
        (UNITS, f"population {WHO} gosi", [["V1", *NOBODY, 0.5], ["pixels", *PIXELS, 0.1]]),
        (
            PREDICTIVITY,
            WHO,
            [TILT, TWIN, ["point readout", None, "point readout", "output", "fitted to the neurons", 0]],
        ),
        (TRAINING, "task network seed epoch", [["tilt", "007", 12, 1]]),
        (
            FAILURES,
            WHO,
            [
                ["tilt CNN", "tilt", "CNN", None, "trained layer", 13],
                ["digits CNN pool", "digits", "CNN", "pool", "trained layer", None],
            ],
        ),
        (
            DIFFERENCES,
            f"{WHO} other other_task other_network other_layer other_kind other_seed difference",
            [
                [*TILT, "tilt FC out", None, "tilt FC out", None, "trained layer", None, 0.1],  # in no other table
                [*TILT, *TWIN, 0.2],
                [*DIGITS, *PIXELS, -0.2],
            ],
        ),
    ],
)
def test_every_old_table_says_who_in_todays_columns(text, columns, expected):
    assert rows(text, columns) == expected


def test_labels_follow_where_the_table_has_none():
    own = upgraded(table(BY_SEED))
    assert own["encoder"].tolist() == ["tilt FC fc", "tilt FC fc", "digits FC fc", "FC fc, untrained", "pixels"]
    assert own["seed"].tolist()[:2] == [12, 13]
    one = upgraded(table(BY_SEED.replace("digits", "tilt")))
    assert one["encoder"].unique().tolist() == ["fc", "fc, untrained", "pixels"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SIMILARITY.replace("True", "yes"), "table.csv: column trained must hold True and False; run the study again"),
        (PREDICTIVITY.replace("untrained twin", "twin"), "table.csv: column kind contains 'twin', which is not a kind"),
    ],
)
def test_a_damaged_old_table_is_refused(tmp_path, text, message):
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_run_table(tmp_path / "table.csv", {})


def test_the_format_is_told_by_the_environment_alone(tmp_path):
    assert [check_format(tmp_path, own) for own in ({}, {"format": 2}, {"format": 4})] == [1, 2, 4]
    (tmp_path / "table.csv").write_text(SIMILARITY)
    assert "model" in read_run_table(tmp_path / "table.csv", {"format": 2})
    for odd in (5, 0, "2", True, None):
        with pytest.raises(InputError, match="format"):
            check_format(tmp_path, {"format": odd})


@pytest.mark.parametrize("chance", ["circular shifts", "label permutations"])
@pytest.mark.parametrize("named_by", ["table", "environment"])
def test_one_test_against_chance_is_read_as_the_test_that_it_was(tmp_path, chance, named_by):
    columns = {"encoder": ["fc", "pool"], "p_chance": [0.01, 0.2], "p_chance_holm": [0.02, 0.2], "low": [0.1, 0.2]}
    environment = {"format": 2}
    if named_by == "table":
        columns["chance"] = [chance] * 2
    else:
        environment["inference"] = {"chance": chance}
    pd.DataFrame(columns).to_csv(tmp_path / "table.csv", index=False)
    found = read_run_table(tmp_path / "table.csv", environment)
    assert list(found) == [*("encoder", "p_permutations", "p_permutations_holm", "p_shifts", "p_shifts_holm", "low")]
    known, other = ("p_shifts", "p_permutations")[:: 1 if chance == "circular shifts" else -1]
    assert found[[known, f"{known}_holm"]].to_numpy().tolist() == [[0.01, 0.02], [0.2, 0.2]]
    assert found[[other, f"{other}_holm"]].isna().all(axis=None)


def test_a_test_against_chance_without_a_name_is_refused(tmp_path):
    pd.DataFrame({"p_chance": [0.1]}).to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(InputError, match="nothing says which test against chance it is of; run the study again"):
        read_run_table(tmp_path / "table.csv", {"format": 2})


def test_a_run_that_does_not_tell_what_its_networks_learned_is_read_as_unknown(tmp_path):
    table = pd.DataFrame({"encoder": ["fc"], "seed": [12], "n_seeds": [1]})
    table.to_csv(tmp_path / "similarity.csv", index=False)
    found = read_run_table(tmp_path / "similarity.csv", {"format": 3})
    new = ["score_name", "score", "chance", "perfect", "n_learned", "learned"]
    assert list(found) == ["encoder", "seed", *new, "n_seeds"]
    assert found[new].isna().all(axis=None)
    assert not did_not_learn(found).any()
    assert list(read_run_table(tmp_path / "similarity.csv", {"format": 4})) == list(table)
