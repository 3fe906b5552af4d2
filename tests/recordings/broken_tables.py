"""Broken tables, and broken files of NWB."""

import re

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from broken_stores import LONG, OUTSIDE, as_link
from whole_files import HOLE, RADIANS, Broken, csv, cut, edited, flipped, hdf5, nwb, parquet, written


def arrow(folder, columns, names):
    pq.write_table(pa.Table.from_arrays([pa.array(column) for column in columns], names=names), folder / "r.parquet")
    return folder / "r.parquet"


def decimal_commas(text):
    return re.sub(r"(-?\d+)\.(\d+)", r'"\1,\2"', text)


def longer_rows(text):
    head, rows = text.split("\n", 1)
    return head + "\n" + rows.replace("\n", ",1\n")


def doubled_column(text):
    return text.replace("orientation", "trial ")


def far_apart(folder):
    """A table of 100,000 rows, each of a trial and of a neuron that no other has."""
    rows = "\n".join(f"{row},{row},1,{row % 180}" for row in range(100_000))
    return written(folder, "r.csv", f"trial,neuron,response,orientation\n{rows}\n".encode())


def late_text(folder):
    """A table with a text so far below that its head looks like numbers."""
    rows = "".join(f"{row},0,1.5,{row % 180}\n" for row in range(99_999))
    return written(folder, "r.csv", f"trial,neuron,response,orientation\n{rows}99999,0,oops,5\n".encode())


def endless_rows(folder):
    """A table whose columns say one number 42,000,000 times over."""
    column = pa.array(np.zeros(2**22, np.int8))
    batch = pa.Table.from_arrays([column] * 4, names=["trial", "neuron", "response", "orientation"])
    with pq.ParquetWriter(folder / "r.parquet", batch.schema) as writer:
        for _ in range(10):
            writer.write_table(batch)
    return folder / "r.parquet"


def without(name):
    def change(file):
        del file[name]

    return change


def as_part(name, data, **options):
    """A change of an NWB file: other values in a dataset, which keeps its attributes."""

    def change(file):
        attributes = dict(file[name].attrs)
        del file[name]
        file.create_dataset(name, data=data, **options).attrs.update(attributes)

    return change


def endless_trials(file):
    for name in ("id", "start_time", "stop_time", "orientation"):
        as_part(f"intervals/trials/{name}", None, **(LONG | {"dtype": "i8" if name == "id" else "f8"}))(file)


TABLES = [
    Broken(
        "csv of blanks",
        lambda folder: csv(folder, lambda text: " \n\n"),
        "this table cannot be read.*; save it as CSV with one",
    ),
    Broken("csv of a head", lambda folder: csv(folder, lambda text: text[: text.index("\n")]), "no rows; it needs one"),
    Broken(
        "csv without responses",
        lambda f: csv(f, response=None),
        "no column 'response' among .* names=.'responses': 'COL",
    ),
    Broken(
        "csv in wide form", lambda f: csv(f, trial=None, neuron=None), "no column 'trial' among.*; a table in long form"
    ),
    Broken(
        "csv with text in numbers",
        lambda f: csv(f, lambda text: text.replace("0.640", "n.a.")),
        "row 3: .* not a number; ",
    ),
    Broken("csv with decimal commas", lambda f: csv(f, decimal_commas), "row 1: response .*,.* is not a number; write"),
    Broken(
        "csv with a cell more", lambda f: csv(f, lambda text: text + "7,2,1,45,9\n"), "Expected 4 fields in line 26"
    ),
    Broken(
        "csv with rows longer than its head",
        lambda f: csv(f, longer_rows),
        "rows have 5 cells, .* 4 columns; name every column",
    ),
    Broken(
        "csv with a row twice",
        lambda f: csv(f, lambda text: text + "7,2,1,135\n"),
        "trial 7 has two responses .*; give",
    ),
    Broken(
        "csv with a row less",
        lambda f: csv(f, lambda text: text.replace("\n0,2", "\n9,2")),
        "missing, .*; add rows with",
    ),
    Broken(
        "csv with a row without trial",
        lambda f: csv(f, lambda text: text + ",2,1,45\n"),
        "row 25 lacks a trial.*needs",
    ),
    Broken(
        "csv with two stimuli in a trial",
        lambda f: csv(f, orientation=np.arange(24) % 2),
        "trial 0 has several values of .* one",
    ),
    Broken(
        "csv with a column twice", lambda f: csv(f, doubled_column), "column 'trial' occurs twice; give every column"
    ),
    Broken(
        "csv with a mapped column that is not there",
        lambda f: csv(f, dff=1.0),
        "no column 'df' .for responses.; the columns are trial, neuron, response, orientation, dff",
        {"names": {"responses": "df"}},
    ),
    Broken(
        "csv of no UTF-8",
        lambda f: edited(csv(f, neuron=list("abc") * 8), b",a,", b",\xe9,"),
        "not UTF-8; save the table as",
    ),
    Broken(
        "csv of UTF-16 that does not say so",
        lambda f: written(f, "r.csv", csv(f, neuron=list("abc") * 8).read_text().encode("utf-16-le")),
        "r.csv: .*; ",
    ),
    Broken(
        "csv of half of UTF-16",
        lambda f: written(f, "r.csv", csv(f).read_text().encode("utf-16")[:-1]),
        "not UTF-16.*; save the table as UTF-8",
    ),
    Broken(
        "csv without a header line",
        lambda f: csv(f, lambda text: text[text.index("\n") + 1 :]),
        "the first line has only numbers; name every column",
    ),
    Broken(
        "csv of thousands",
        lambda f: csv(f, lambda text: "orientation;n1;n2;n3;n4;n5;n6;n7;n8\n" + "15;1,234;1,234;1;2;3;4;5;6\n" * 4),
        "may separate thousands or decimals; write numbers like",
    ),
    Broken("csv of zeros", lambda f: written(f, "r.csv", bytes(999)), "r.csv: .*; "),
    Broken(
        "csv without a stimulus", lambda f: csv(f, orientation=None), "it must hold 'responses' .* with 'orientation'"
    ),
    Broken("csv with a hole", lambda f: csv(f, response=HOLE.ravel()), "1 of 24 responses are missing.*; leave out"),
    Broken(
        "csv of infinity", lambda f: csv(f, response=np.inf), "neuron 0 in trial 0 is infinite; responses must be num"
    ),
    Broken("csv in radians", lambda f: csv(f, orientation=np.repeat(RADIANS, 3)), "looks like radians; convert them"),
    Broken(
        "csv of one stimulus", lambda f: csv(f, orientation=0), "all trials show one stimulus, orientation 0; .*needs"
    ),
    Broken("csv of pairs that are not there", far_apart, r"ragged: 9,999,900,000 of 10,000,000,000 pairs .*; add rows"),
    Broken("csv with a stray text", late_text, "row 100000: response 'oops' is not a number; write"),
    Broken("parquet cut", lambda folder: cut(parquet(folder)), "damaged .*; save it again"),
    Broken("parquet flipped", lambda folder: flipped(parquet(folder), -6), "damaged .*; save it again"),
    Broken(
        "parquet of text", lambda folder: written(folder, "r.parquet", b"trial,neuron\n1,2\n"), "damaged .*; save it"
    ),
    Broken("parquet without neurons", lambda f: parquet(f, neuron=None), "no column 'neuron' among.*; a table in long"),
    Broken("parquet of lists", lambda f: parquet(f, trial=[[1]] * 24), "column 'trial' holds .*; "),
    Broken("parquet of dates", lambda f: parquet(f, response=pd.Timestamp("2020")), "response.* not a number; write"),
    Broken(
        "parquet of mixed names", lambda f: parquet(f, neuron=[b"a", b"b", b"caf\xe9"] * 8), "not UTF-8 .*; write names"
    ),
    Broken(
        "parquet with a column twice", lambda f: arrow(f, [[1], [1], [1], [1]], list("aabc")), "'a' occurs twice; give"
    ),
    Broken("parquet of endless rows", endless_rows, "would unpack .*; save it again"),
]

NWB = [
    Broken(
        "nwb cut", lambda folder: cut(nwb(folder)), "this HDF5 file cannot be read, or is damaged .*; copy it again"
    ),
    Broken("nwb of another kind", lambda f: hdf5(f, name="r.nwb"), "not an NWB file: it has no nwb_version"),
    Broken(
        "nwb without trials", lambda f: nwb(f, without("intervals")), "no table of trials .*stimuli and their times are"
    ),
    Broken(
        "nwb without spikes", lambda f: nwb(f, without("units")), "no units with spike_times.*; there are no responses"
    ),
    Broken("nwb linked outside", lambda f: nwb(f, as_link("x", h5py.ExternalLink("b.h5", "/x"))), OUTSIDE),
    Broken(
        "nwb with false ends",
        lambda f: nwb(f, as_part("units/spike_times_index", [40, 80, 10**9])),
        "damaged, so export it",
    ),
    Broken("nwb with fewer ends", lambda f: nwb(f, as_part("units/spike_times_index", [40, 80])), "nwb: .*; "),
    Broken(
        "nwb with fewer stimuli", lambda f: nwb(f, as_part("intervals/trials/orientation", [0.0, 9.0])), "nwb: .*; "
    ),
    Broken("nwb with text as times", lambda f: nwb(f, as_part("intervals/trials/start_time", ["a"] * 8)), "nwb: .*"),
    Broken("nwb, unwritten", lambda f: nwb(f, endless_trials), "would unpack .*; save it again"),
]
