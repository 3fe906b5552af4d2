"""The methods of a study as a paragraph for a paper, with references."""

import re
from collections.abc import Collection
from math import factorial
from typing import Any

import pandas as pd

from normenc.report.methods_questions import beside_similarity
from normenc.report.methods_regression import REFERENCES as OF_REGRESSION
from normenc.report.methods_regression import explained_beyond, predicted
from normenc.report.sentences import FOLDED
from normenc.report.stages import stages_of
from normenc.report.training_words import method_of, optimisation, stimuli_of
from normenc.report.wording import counted, join_factors, join_names
from normenc.rsa.ceiling import KINDS
from normenc.rsa.measures import facts_of
from normenc.stimulus_types import as_type

__all__ = ["methods"]

REFERENCES = {
    "rsa": "Kriegeskorte N, Mur M, Bandettini P (2008). Representational similarity analysis – connecting the "
    "branches of systems neuroscience. Frontiers in Systems Neuroscience 2:4.",
    "inference": "Schütt HH, Kipnis AD, Diedrichsen J, Kriegeskorte N (2023). Statistical inference on "
    "representational geometries. eLife 12:e82566.",
    "blocks": "Politis DN, Romano JP (1992). A circular block-resampling procedure for stationary data. In: Exploring "
    "the Limits of Bootstrap, 263–270. Wiley.",
    "holm": "Holm S (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of "
    "Statistics 6:65–70.",
    "tsne": "van der Maaten L, Hinton G (2008). Visualizing data using t-SNE. Journal of Machine Learning Research "
    "9:2579–2605.",
    **OF_REGRESSION,
    "course": "Neuromatch Academy, Computational Neuroscience, deep learning day, tutorial 3: Building and Evaluating "
    "Normative Encoding Models.",
}
UNTOLD = ("not stated", "simulated")  # areas and species of which a sentence of its own speaks, if any
METRICS = {
    "correlation": "one minus the Pearson correlation",
    "cosine": "one minus the cosine",
    "euclidean": "the squared Euclidean distance per unit",
}
DRAWN = "Neurons were drawn without replacement, nine of ten at a time, and their variance was rescaled."


def methods(
    study: dict[str, Any],
    environment: dict[str, Any],
    tasks: list[dict[str, Any]],
    networks: list[dict[str, Any]],
    layers: list[str],
    controls: list[str],
    partitioning: pd.DataFrame | None = None,
    *,
    tables: Collection[str] = (),
) -> tuple[str, list[str]]:
    """Write the paragraph.

    Parameters
    ----------
    study, environment : dict
        Content of the run's study.toml and environment.json.
    tasks, networks : list of dict
        Sections of the study, each with its ``title``; tasks also with ``trains``.
    layers, controls : list of str
        Names of the layers of trained networks, and of the controls, that were compared.
    partitioning : DataFrame, optional
        The rows of ``partitioning.csv``.
    tables : collection of str
        Which of ``between_animals``, ``both_directions`` and ``circular_parts`` the run has.

    Returns
    -------
    text : str
        References are numbers in brackets.
    references : list of str
        In the order of their numbers.
    """
    cited: list[str] = []

    def cite(*keys: str) -> str:
        for key in keys:
            if key not in cited:
                cited.append(key)
        return "[" + ", ".join(str(cited.index(key) + 1) for key in keys) + "]"

    sentences = [
        _recording(environment["recording"], environment["inference"]),
        *_training(environment, tasks, networks, layers, controls),
        *_encoders(environment, controls if not tasks else []),
        *_comparison(study, environment, cite),
        *_inference(study, environment, cite),
        *beside_similarity(environment, "circular_parts" in tables),
        *explained_beyond(partitioning, cite),
        *_predicted(study, environment, partitioning, tables, cite),
        f"The analysis used normenc {environment['normenc']} with PyTorch {environment['packages']['torch']}, and "
        f"follows the course {cite('course')}{_embedding(study, cite)}.",
    ]
    return " ".join(sentences), [REFERENCES.get(key, key) for key in cited]


def _predicted(
    study: dict[str, Any],
    environment: dict[str, Any],
    partitioning: pd.DataFrame | None,
    tables: Collection[str],
    cite: Any,
) -> list[str]:
    if "predict" not in stages_of(study):
        return []
    repeats = environment["recording"].get("n_repeats") or (1, 1)
    options = {"tables": tables, "repeated": max(repeats) > 1, "cite": cite}
    return predicted(study["encoding"], partitioning, **options)


def _recording(recording: dict[str, Any], inference: dict[str, Any]) -> str:
    known = [recording[key] for key in ("area", "species") if recording[key] not in UNTOLD]
    where = f" ({', '.join(known)})" if known else ""
    n = recording["n_neurons"]
    population = "the RDM of a population" if n is None else f"the responses of {counted(n, 'neuron')}"
    shown = as_type(recording["stimuli"])
    trials = f" in {counted(recording['n_trials'], 'trial')}" if recording["n_trials"] else ""
    cited = "" if recording["citation"] == "not stated" else f" ({recording['citation']})"
    sentences = [
        f"Models were compared with {population}{where} {'for' if n is None else 'to'} "
        f"{counted(recording['n_stimuli'], shown.shown_as)}{shown.differing}{trials}{cited}."
    ]
    if recording["simulated"]:
        sentences.append("This population was simulated; no animal was recorded.")
    if n is not None and recording["units"] != "not stated":
        sentences.append(_units(recording["units"]))
    if recording["steps"]:
        sentences.append(_prepared(recording["steps"]))
    sentences += inference.get("notes", [])
    if recording.get("images_cut"):
        sentences.append(recording["images_cut"])
    n_different = inference.get("n_different_images", recording["n_stimuli"])
    if shown.folds_onto and n_different != recording["n_stimuli"] and FOLDED not in recording["steps"]:
        sentences.append(
            f"Models were shown still images of the gratings ({n_different} different images), which are the same for "
            "opposite directions."
        )
    return " ".join(sentences)


def _units(units: str) -> str:
    """The unit of responses, as a sentence.

    Examples
    --------
    >>> print(_units("arbitrary (1 is the peak)"), _units("spikes"), _units("z-score over stimuli"))
    Responses were in arbitrary units (1 is the peak). Responses were in spikes. Responses were z-scores over stimuli.
    """
    found = re.match(r"(arbitrary( units)?|a\. ?u\.|au)(?![\w.])", units, re.IGNORECASE)
    if found:
        return f"Responses were in arbitrary units{units[found.end() :]}."
    units = re.sub(r"^z-score(?![\w])", "z-scores", units)
    return f"Responses were {'' if units.startswith('z-score') else 'in '}{units}."


def _prepared(steps: list[str]) -> str:
    """How the responses were prepared; steps begin with a verb in the past tense."""
    if all(re.match(r"(left|kept|[\w-]+ed)\b", step) for step in steps):
        return f"Before the comparison, we {join_names(steps)}."
    return f"Preparation: {'; '.join(steps)}."


def _training(
    environment: dict[str, Any],
    tasks: list[dict[str, Any]],
    networks: list[dict[str, Any]],
    layers: list[str],
    controls: list[str],
) -> list[str]:
    if not tasks:
        return []
    seeds = environment["seeds"]["training"]
    n = f"{len(seeds)} networks with different seeds were" if len(seeds) > 1 else f"One network (seed {seeds[0]}) was"
    untrained = counted(len(environment["seeds"]["untrained"]), "untrained network")
    them = "layer" if len(layers) == 1 else "layers"
    architectures = "; ".join(_sized(network) for network in networks)
    each = "For each task and architecture, " if len(tasks) > 1 or len(networks) > 1 else ""
    others = f" The controls were {join_names(controls)}." if controls else ""
    return [
        f"{each}{n[0].lower() + n[1:] if each else n} trained by {method_of(tasks)} on "
        f"{join_names([_trained(task) for task in tasks])}, and never on neural data.",
        f"The {'architecture was' if len(networks) == 1 else 'architectures were'} {architectures}.",
        f"The {them} {join_names(layers)} {'was' if len(layers) == 1 else 'were'} compared with the recording, and so "
        f"{'was' if len(layers) == 1 else 'were'} the same {them} of {untrained}"
        f"{' of each architecture' * (len(networks) > 1)}, called untrained twins.{others}",
    ]


def _encoders(environment: dict[str, Any], controls: list[str]) -> list[str]:
    """The networks that the study did not train: weights, images, layers, and their untrained twins."""
    encoders = environment.get("encoders", [])
    if not encoders:
        return []
    n = counted(len(environment["seeds"]["untrained"]), "seed")
    last = f"Initial weights were those of {n}."
    if any(own["weights"] for own in encoders):
        last = f"The same layers with initial weights of {n}, called untrained twins, were compared too."
    last += f" The controls were {join_names(controls)}." * bool(controls)
    return [*(_encoder(own) for own in encoders), last]


def _encoder(own: dict[str, Any]) -> str:
    library, _, name = own["model"].partition(":")
    source = f"built by {own['model']}"
    if library in ("timm", "torchvision"):
        source = f"from {library}" if name == own["label"] else f"{name} from {library}"
    weights = "was not trained"
    if own["weights"]:
        file = f"the file {own['file']}" if own["file"] else library
        weights = f"had pretrained weights ({file}, SHA-256 {own['sha256']})"
    layers = "layer" if len(own["layers"]) == 1 else "layers"
    chosen = f" ({own['chosen']})" if own["chosen"] else ""
    return (
        f"The network {own['label']} ({source}) {weights}. It was shown images {own['shown']}. "
        f"Its {layers} {join_names(own['layers'])} {'was' if layers == 'layer' else 'were'} compared with the "
        f"recording{chosen}.{_reduced(own)}"
    )


def _reduced(own: dict[str, Any]) -> str:
    """In which precision a network ran, and what was done to layers before their dissimilarities were computed."""
    said = "" if own["dtype"] == "float32" else f" It was run in {own['dtype']}."
    if own["reduced"]:
        said += f" Layers were reduced: {'; '.join(f'{layer}, {note}' for layer, note in own['reduced'].items())}."
    return said


def _sized(network: dict[str, Any]) -> str:
    named = network["title"] if network["title"] == network["name"] else f"{network['title']}: {network['name']}"
    apart = ("name", "label", "title", "rest", "training")
    sizes = ", ".join(f"{key} {value}" for key, value in network.items() if key not in apart)
    return f"{named} with {sizes}" if sizes else named


def _trained(task: dict[str, Any]) -> str:
    """A task with its number of stimuli and its training, for each network if that differs."""
    name = task["title"] if task["title"] == task["name"] else f"{task['title']}, that is {task['name']},"
    groups: dict[str, list[str]] = {}
    for title, training in task["trains"]:
        how = (
            f"{counted(training['n_epochs'], 'epoch')} of batches of {training['batch_size']}, {optimisation(training)}"
        )
        groups.setdefault(how, []).append(title)
    apart = len(groups) > 1
    trainings = "; ".join(f"{join_names(titles)}: {how}" if apart else how for how, titles in groups.items())
    return f"{name} ({stimuli_of(task, in_words=True)}; {trainings})"


def _comparison(study: dict[str, Any], environment: dict[str, Any], cite: Any) -> list[str]:
    settings, resampled = study["comparison"], environment["inference"]["resampled"]
    measure = facts_of(settings["method"])
    source = f" {cite(measure.reference)}" if measure.reference else ""
    metric = METRICS[settings["rdm_metric"]]
    apart = next((factor for factor in ("animals", "sessions") if factor in resampled), None)
    if environment["recording"]["n_neurons"] is None:
        own = environment["inference"].get("rdm_metric_of_recording") or "correlation"
        one = "dissimilarity matrix" if apart is None else f"dissimilarity matrices of {resampled[apart]} {apart}"
        held = [
            f"The recording’s representational {one} {cite('rsa')} ({own} dissimilarities) "
            f"{'was' if apart is None else 'were'} provided; those of the models contain {metric} between the "
            "responses of units to each pair of stimuli."
        ]
    else:
        held = [
            f"Representational dissimilarity matrices {cite('rsa')} contain {metric} between the responses of neurons "
            "or units to each pair of stimuli."
        ]
        if apart:
            held.append(
                f"The recording has one matrix for each of the {counted(resampled[apart], apart.removesuffix('s'))}."
            )
    means = f"; similarities were averaged over {apart}" if apart else ""
    return [
        *held,
        f"Two matrices were compared by {measure.phrase} of their upper triangles{source}{means}.",
    ]


def _inference(study: dict[str, Any], environment: dict[str, Any], cite: Any) -> list[str]:
    inference, shown = environment["inference"], as_type(environment["recording"]["stimuli"])
    over = join_factors(inference["resampled"], one_network=len(environment["seeds"]["training"]) <= 1)
    blocks = ""
    if (length := inference["block_length"] or 0) > 1:
        blocks = f", {shown.plural} resampled in circular blocks of {counted(length, 'neighbour')} {cite('blocks')}"
    elif "stimuli" in inference["resampled"]:
        blocks = f", {shown.plural} resampled individually"
    same = {"sessions", "neurons"} <= set(inference["resampled"])
    drawn = "; the same resampled neurons were used in every session" if same else ""
    ceiling = f"The noise ceiling was estimated from {inference['ceiling']}."
    if inference["ceiling"] == KINDS["no formula"]:
        ceiling = "No noise ceiling was computed: split halves of a recording give one only for correlations."
    elif inference["ceiling"].startswith("none"):
        ceiling = "No noise ceiling can be computed from a single RDM."
    return [
        f"95 % confidence intervals were computed with a bootstrap over {over} "
        f"({counted(inference['n_samples'], 'sample')}{blocks}{drawn}), corrected for variance that is "
        f"counted more than once when factors are crossed {cite('inference')}."
        if inference["resampled"]
        else f"No intervals were computed: {inference['why_no_intervals']}.",
        *[DRAWN for factor in inference["resampled"] if factor == "neurons"],
        *_fixed(inference),
        f"Models were tested against chance with {_chance(study, environment)}.",
        "Differences from the lower noise ceiling and between models were tested with t-tests that use bootstrap "
        f"variances. P-values were corrected by Holm’s method {cite('holm')} for all models or all planned "
        "differences; confidence intervals were not corrected.",
        ceiling,
    ]


def _fixed(inference: dict[str, Any]) -> list[str]:
    """What was taken as all there are, and what else is generalised over without being drawn by itself."""
    said = []
    if inference["fixed"]:
        said.append(f"The {join_factors(inference['fixed'])} were taken as all there are.")
    if "trials" in inference["generalises_to"] and "trials" not in inference["resampled"]:
        nesting = [f for f in ("stimuli", "animals", "sessions") if f in inference["resampled"]]
        said.append(f"Trials were resampled together with their {join_factors(nesting)}.")
    return said


def _chance(study: dict[str, Any], environment: dict[str, Any]) -> str:
    """The tests against chance, and the questions that they answer."""
    inference, recording = environment["inference"], environment["recording"]
    n_permuted = inference.get("n_stimuli_permuted", recording["n_stimuli"])
    stimuli = "the stimuli" if n_permuted == recording["n_stimuli"] else f"{n_permuted:,} of the stimuli"
    shifts = (
        f"circular shifts of {stimuli}, which ask whether a match depends on the positions of the stimuli on the circle"
    )
    n, n_shifts = inference["n_orders"], inference["n_shifts"]
    if n == 0:  # in runs of older versions, one test was made
        return shifts
    n = study["comparison"]["n_permutations"] + 1 if n is None else n
    orders = f"{counted(n - 1, 'random permutation')} of {stimuli}"
    if n == factorial(recording["n_stimuli"]):
        orders = f"all {counted(n, 'order')} of the stimuli"
    related = f"{orders}, which ask whether model and recording are related at all"
    return f"{related}, and with {shifts}" if n_shifts else related


def _embedding(study: dict[str, Any], cite: Any) -> str:
    if "describe" not in stages_of(study):
        return ""
    return f"; embeddings are two-dimensional, by principal component analysis and t-SNE {cite('tsne')}"
