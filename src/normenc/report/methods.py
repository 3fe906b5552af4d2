"""What was done, as a paragraph to paste into a paper, with its references."""

from typing import Any

from normenc.report.sentences import in_words

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
    "whitening": "Diedrichsen J, Berlot E, Mur M, Schütt HH, Shahbazi M, Kriegeskorte N (2021). Comparing "
    "representational geometries using whitened unbiased-distance-matrix similarity. Neurons, Behavior, Data analysis, "
    "and Theory 5(3).",
    "ridge": "Hoerl AE, Kennard RW (1970). Ridge regression: biased estimation for nonorthogonal problems. "
    "Technometrics 12:55–67.",
    "tsne": "van der Maaten L, Hinton G (2008). Visualizing data using t-SNE. Journal of Machine Learning Research "
    "9:2579–2605.",
    "course": "Neuromatch Academy, Computational Neuroscience, deep learning day, tutorial 3: Building and Evaluating "
    "Normative Encoding Models.",
}
METRICS = {
    "correlation": "one minus the Pearson correlation",
    "cosine": "one minus the cosine",
    "euclidean": "the Euclidean distance",
}
COMPARISONS = {
    "pearson": "the Pearson correlation",
    "spearman": "the Spearman rank correlation",
    "kendall-tau-a": "Kendall’s tau-a",
    "rho-a": "rho-a, the expected Spearman correlation with ties broken at random,",
    "cosine": "the cosine",
    "whitened-cosine": "the whitened cosine",
    "whitened-correlation": "the whitened correlation",
}


def methods(
    study: dict[str, Any],
    environment: dict[str, Any],
    tasks: list[dict[str, Any]],
    networks: list[dict[str, Any]],
    layers: list[str],
    controls: list[str],
) -> tuple[str, list[str]]:
    """Write the paragraph.

    Parameters
    ----------
    study, environment : dict
        Of the run's study.toml and environment.json.
    tasks, networks : list of dict
        Sections of the study with their ``title`` and, of tasks, their ``training``.

    controls : list of str
        Those that were compared.

    Returns
    -------
    text : str
        With references as numbers in brackets.
    references : list of str
        In the order of these numbers.
    """
    cited: list[str] = []

    def cite(*keys: str) -> str:
        for key in keys:
            if key not in cited:
                cited.append(key)
        return "[" + ", ".join(str(cited.index(key) + 1) for key in keys) + "]"

    sentences = [
        _recording(environment["recording"]),
        *_training(environment, tasks, networks, layers, controls),
        *_comparison(study, environment["recording"], cite),
        *_inference(study, environment, cite),
        *_encoding(study, cite),
        f"The analysis used normenc {environment['normenc']} with PyTorch {environment['packages']['torch']}, after "
        f"the course {cite('course')}; embeddings are principal components followed by t-SNE {cite('tsne')}.",
    ]
    return " ".join(sentences), [REFERENCES[key] for key in cited]


def _recording(recording: dict[str, Any]) -> str:
    shown = {"orientation": "gratings of different orientation", "direction": "drifting gratings"}
    population = (
        "a population known by its RDM" if recording["n_neurons"] is None else f"{recording['n_neurons']:,} neurons"
    )
    where = ", ".join(part for part in (recording["area"], recording["species"]) if part != "not stated")
    where = f" ({where})" if where else ""
    simulated = " This population was simulated; no animal was recorded." if recording["simulated"] else ""
    trials = f" in {recording['n_trials']:,} trials" if recording["n_trials"] else ""
    prepared = f" Preparation: {'; '.join(recording['steps'])}." if recording["steps"] else ""
    cited = "" if recording["citation"] == "not stated" else f" ({recording['citation']})"
    return (
        f"Models were compared with {population}{where} that {'was' if recording['n_neurons'] is None else 'were'} "
        f"shown {recording['n_stimuli']:,} {shown.get(recording['stimuli'], 'images')}{trials}"
        f"{cited}.{simulated}{prepared}"
    )


def _training(
    environment: dict[str, Any],
    tasks: list[dict[str, Any]],
    networks: list[dict[str, Any]],
    layers: list[str],
    controls: list[str],
) -> list[str]:
    seeds = environment["seeds"]["training"]
    n = f"{len(seeds)} networks of different seeds" if len(seeds) > 1 else f"one network (seed {seeds[0]})"
    several = len(tasks) > 1 or len(networks) > 1
    n_untrained = len(environment["seeds"]["untrained"])
    architectures = "; ".join(_sized(network) for network in networks)
    trained = f"{in_words([_trained(task) for task in tasks])}, {n}{' for each task and architecture' * several}"
    return [
        f"Networks ({architectures}) were trained by stochastic gradient descent on {trained}, and never on neural "
        "data.",
        f"Their layers {in_words(layers)} were compared; the same layers of {n_untrained} untrained networks"
        f"{' of each architecture' * (len(networks) > 1)}, and {in_words(controls)}, served as controls.",
    ]


def _sized(network: dict[str, Any]) -> str:
    named = network["title"] if network["title"] == network["name"] else f"{network['title']}: {network['name']}"
    apart = ("name", "label", "title", "rest", "training")
    sizes = ", ".join(f"{key} {value}" for key, value in network.items() if key not in apart)
    return f"{named} with {sizes}" if sizes else named


def _trained(task: dict[str, Any]) -> str:
    """A task, how many stimuli it has, and how it trains; apart for networks where these differ."""
    name = task["title"] if task["title"] == task["name"] else f"{task['title']}, that is {task['name']},"
    groups: dict[str, list[str]] = {}
    for title, training in task["trains"]:
        how = (
            f"{training['n_epochs']} epochs of batches of {training['batch_size']}, learning rate "
            f"{training['learning_rate']:g}, momentum {training['momentum']:g}"
        )
        groups.setdefault(how, []).append(title)
    apart = len(groups) > 1
    told = "; ".join(f"{in_words(titles)}: {how}" if apart else how for how, titles in groups.items())
    return f"{name} ({task['n_train']:,} stimuli; {told})"


def _comparison(study: dict[str, Any], recording: dict[str, Any], cite: Any) -> list[str]:
    settings = study["comparison"]
    whitened = f" {cite('whitening')}" if settings["method"].startswith("whitened") else ""
    metric = METRICS[settings["rdm_metric"]]
    if recording["n_neurons"] is None:
        held = (
            f"The recording’s representational dissimilarity matrix {cite('rsa')} was given; those of the models hold "
            f"{metric} of the responses to each pair of stimuli over units."
        )
    else:
        held = (
            f"Representational dissimilarity matrices {cite('rsa')} hold {metric} of the responses to each pair of "
            "stimuli over neurons or units."
        )
    return [
        held,
        f"Two matrices were compared by {COMPARISONS[settings['method']]} of their upper triangles{whitened}.",
    ]


def _inference(study: dict[str, Any], environment: dict[str, Any], cite: Any) -> list[str]:
    found = environment["inference"]
    one = len(environment["seeds"]["training"]) == 1
    named = {"seeds": "the untrained networks’ seeds" if one else "seeds"}
    over = in_words([named.get(factor, factor) for factor in found["resampled"]]) or "nothing"
    blocks = ""
    if found["block_length"]:
        kind = environment["recording"]["stimuli"]
        blocks = f", {kind}s in circular blocks of {found['block_length']} neighbours {cite('blocks')}"
    ceiling = (
        "A noise ceiling could not be computed from a single RDM."
        if found["ceiling"].startswith("none")
        else f"The noise ceiling was estimated from {found['ceiling']}."
    )
    chance = (
        "circular shifts of the stimuli"
        if found["chance"] == "circular shifts"
        else f"{study['comparison']['n_permutations']:,} permutations of the stimuli"
    )
    return [
        f"95 % intervals come from a bootstrap over {over} ({found['n_samples']} samples{blocks}), corrected for "
        f"variance that crossed factors count more than once {cite('inference')}.",
        f"Models were tested against chance by {chance}, and against the lower noise ceiling and each other by t-tests "
        f"with bootstrap variances; p-values are corrected by Holm’s method {cite('holm')}.",
        ceiling,
    ]


def _encoding(study: dict[str, Any], cite: Any) -> list[str]:
    settings = study.get("encoding", {})
    if not settings.get("enabled"):
        return []
    how = f"ridge regression {cite('ridge')}" if settings["method"] == "ridge" else "partial least squares"
    networks = f"; for reference, networks ({in_words(settings['networks'])}) were fitted to the neurons" * bool(
        settings["networks"]
    )
    return [
        f"Neurons were predicted from each layer by {how}, cross-validated over {settings['n_folds']} folds of whole "
        f"stimuli{networks}."
    ]
