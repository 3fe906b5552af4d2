"""Pictures of what a run found: similarities, predictivity, and what networks fitted to the neurons learned."""

import pandas as pd

from normenc.figures.competence import with_known_competence
from normenc.figures.predictivity import known_measures
from normenc.runs.populations import recording_label, units_by_population
from normenc.runs.reading import Run
from normenc.runs.registry import picture
from normenc.runs.source_data import Picture
from normenc.stimulus_types import as_type
from normenc.stimulus_types.known import drawn_as

FITTED = "with `[encoding] enabled = true`, unless `networks = []`"


@picture(
    "similarity_bars",
    "Similarity of each encoder with the recording, with intervals, noise ceiling and tests",
    applies=lambda run: not run.is_grid,
    when="one task and network",
    placed=True,
)
def _similarity_bars(run: Run) -> Picture:
    return Picture("similarity_bars", {"similarity": run.exact("similarity"), "pairs": run.source_data["pairs"]})


@picture(
    "leaderboard",
    "Similarity of each encoder with the recording, the best first, with intervals, noise ceiling and controls",
    applies=lambda run: run.is_grid,
    when="several tasks or networks",
    placed=True,
)
def _leaderboard(run: Run) -> Picture:
    return Picture("leaderboard", {"similarity": run.exact("similarity")})


@picture(
    "measure_ranks",
    "Rank of each encoder under each measure of similarity",
    applies=lambda run: run.similarity_by_method is not None and len(run.similarity) > 1,
    when="with several measures and encoders",
    placed=True,
)
def _measure_ranks(run: Run) -> Picture:
    others = run.exact("similarity_by_method")
    table = pd.concat([run.exact("similarity"), others], ignore_index=True)
    labels = {encoder.of_all_seeds: label for label, encoder in run.encoders.items()}
    twins = {
        labels[encoder.twin.of_all_seeds]: label
        for label, encoder in run.encoders.items()
        if encoder.kind.is_learned and encoder.twin.of_all_seeds in labels
    }
    columns = table[["encoder", "kind", "learned", "comparison", "similarity"]]
    return Picture("measure_ranks", {"table": columns.assign(twin_of=table["encoder"].map(twins).fillna(""))})


@picture(
    "over_training",
    "Similarity with the recording at several epochs of training",
    applies=lambda run: run.over_training is not None,
    when="with checkpoints",
    placed=True,
)
def _over_training(run: Run) -> Picture:
    return Picture("over_training", {"table": run.exact("over_training"), "similarity": run.exact("similarity")})


@picture(
    "competence",
    "How well each network learned its task, and how similar its best layer is to the recording, one point a seed",
    applies=lambda run: run.is_grid and len(with_known_competence(run.similarity_by_seed)) > 1,
    when="several tasks or networks that are trained, with scores whose chance and best are known",
    placed=True,
)
def _competence(run: Run) -> Picture:
    return Picture("competence", {"by_seed": run.similarity_by_seed, "similarity": run.exact("similarity")})


@picture(
    "identification",
    "What recordings simulated from each encoder would be taken for",
    applies=lambda run: run.identification is not None,
    when="unless `[identify] enabled = false`, if the recording’s noise is known",
    placed=True,
)
def _identification(run: Run) -> Picture:
    return Picture("identification_map", {"table": run.identification})


@picture(
    "unique_variance",
    "What each trained or pretrained layer explains of the recording’s dissimilarities beyond all controls together",
    applies=lambda run: _knows(run, "dissimilarities"),
    when="with at least one control and six stimuli",
    placed=True,
)
def _unique_variance(run: Run) -> Picture:
    return Picture("unique_variance", {"partitioning": _explained(run, "dissimilarities")})


@picture(
    "unique_variance_responses",
    "What each trained or pretrained layer explains of the neurons’ responses beyond all controls together",
    applies=lambda run: _knows(run, "responses"),
    when="with `[encoding] enabled = true`",
    placed=True,
)
def _unique_variance_of_responses(run: Run) -> Picture:
    return Picture("unique_variance", {"partitioning": _explained(run, "responses")})


def _explained(run: Run, what: str) -> pd.DataFrame:
    """The rows of ``partitioning.csv`` about one kind of variance, with a share that is known."""
    table = run.partitioning
    assert table is not None
    return table[(table["variance_of"] == what) & table["unique"].notna()].reset_index(drop=True)


def _knows(run: Run, what: str) -> bool:
    return run.partitioning is not None and len(_explained(run, what)) > 0


@picture(
    "circular_parts",
    "RDMs in two parts, the profile over the angle between stimuli and the rest, and the similarity in each",
    applies=lambda run: "circular_parts" in run.source_data,
    when="at least 8 stimuli all around a circle",
    placed=True,
)
def _circular_parts(run: Run) -> Picture:
    kept, shown = run.source_data["circular_parts"], as_type(run.recording["stimuli"])
    return Picture(
        "circular_parts",
        {
            "table": run.exact("circular_parts"),
            "matrices": kept["matrices"],
            "orientation": kept["stimulus"],
            "comparison": run.similarity["comparison"].iloc[0],
            **drawn_as(shown),
        },
    )


@picture(
    "predictivity",
    "Predictivity of neurons against similarity of RDMs, one point per encoder",
    applies=lambda run: run.predictivity is not None and bool(known_measures(run.predictivity)),
    when="with `[encoding] enabled = true`, if any neuron is reliable",
    placed=True,
)
def _predictivity(run: Run) -> Picture:
    return Picture("predictivity", {"table": run.exact("predictivity")})


@picture(
    "fitting",
    "Loss over steps of networks fitted to the neurons",
    applies=lambda run: run.fitting is not None,
    when=FITTED,
    placed=True,
)
def _fitting(run: Run) -> Picture:
    table = run.exact("fitting")
    assert table is not None
    logs = {str(label): log.reset_index(drop=True) for label, log in table.groupby("network", sort=False)}
    kept = {label: log.loc[log["kept"].eq(True), "step"].iloc[0] for label, log in logs.items()}
    best = {label: int(step) for label, step in kept.items() if run.source_data["fitted"][label]["chosen_by_loss"]}
    return Picture("loss_curves", {"logs": logs, "best": best})


@picture("filters_<network>", "Filters of the <network> before and after fitting", when=FITTED, placed=True)
def _filters(run: Run, network: str) -> Picture:
    return Picture("learned_filters", run.source_data["fitted"][network]["filters"])


@picture("readouts_<network>", "The parts of the image that neurons read in the <network>", when=FITTED, placed=True)
def _readouts(run: Run, network: str) -> Picture:
    kept = run.source_data["fitted"][network]["readouts"]
    if "maps" in kept:
        return Picture("readout_maps", kept | {"neurons": list(range(len(kept["maps"])))})
    own = units_by_population(run).get(recording_label(run))
    preferred = None if own is None else own["preferred_orientation_deg"].to_numpy(dtype=float)
    return Picture("readout_positions", kept | {"orientation": preferred})
