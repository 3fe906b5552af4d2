"""Choose neurons by their reliability, in trials that are then left out of the comparison."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import xarray as xr

from normenc import tuning
from normenc.errors import InputError
from normenc.recordings.recording import Recording
from normenc.recordings.rows import averaged
from normenc.recordings.steps import select

__all__ = ["MIN_TRIALS", "choosing_trials", "keep_reliable"]

MIN_TRIALS = 4  # of a stimulus: two to choose neurons by, two to compare
AVERAGED = "averaged over the trials of each stimulus"  # which is done again, over those that are left
MIN_STIMULI = 3  # with that many trials: a correlation of two is 1 or -1


def keep_reliable(recording: Recording, reliability: float) -> Recording:
    """Keep neurons whose responses repeat, chosen in trials that are then left out.

    Neurons that are chosen and compared in the same trials look reliable because of their noise, too. So each
    stimulus's trials are split: the second, fourth, ... choose the neurons and are left out; the first, third, ... are
    kept, and with an odd number of trials they are one more. Trials are counted in their order, within animals and
    sessions if these are labelled. Stimuli with fewer than 4 trials have no part in the choice, and keep all trials.

    The measure is :func:`normenc.tuning.split_half_reliability` of the choosing trials, corrected to their number: the
    expected correlation over stimuli between the average over these trials and that over as many others.

    Parameters
    ----------
    recording : Recording
        With trials.
    reliability : float
        Neurons below it are left out, and so are those that do not vary.

    Raises
    ------
    InputError
        If fewer than 3 stimuli have at least 4 trials, or fewer than 2 neurons are reliable.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> shown = np.tile(np.arange(0, 180, 6.0), 4)
    >>> tuned = 3 * np.cos(np.radians(2 * shown))[:, None] + rng.normal(size=(120, 5))
    >>> toy = Recording.from_trials("toy", np.hstack([tuned, rng.normal(size=(120, 5))]), shown)
    >>> kept = keep_reliable(toy, 0.6)
    >>> kept.n_neurons, kept.n_trials, kept.responses["neuron"].values.tolist()
    (5, 60, ['0', '1', '2', '3', '4'])
    """
    trials = _repeated(recording)
    index = trials["stimulus_index"].to_numpy()
    chooses = choosing_trials(trials)
    n_choosing, n_stimuli = int(chooses.sum()), len(np.unique(index[chooses]))
    found = tuning.split_half_reliability(trials.to_numpy()[chooses], index[chooses])
    kept = found >= reliability  # not where it is NaN
    if kept.sum() < 2:
        best = "none varies" if np.isnan(found).all() else f"the highest is {np.nanmax(found):.2f}"
        raise InputError(
            f"{recording.name}: {kept.sum()} of {len(kept):,} neurons have a split-half reliability of at least "
            f"{reliability:g} in the {n_choosing:,} trials by which they are chosen ({best}); a population needs at "
            "least 2"
        )
    rest = trials[~chooses]
    means = averaged(rest.to_numpy(), rest["stimulus_index"].to_numpy(), recording.n_stimuli)
    assert recording.responses is not None
    compared = select(replace(recording, trials=rest, responses=recording.responses.copy(data=means)), kept)
    every = n_stimuli == recording.n_stimuli
    each = "each stimulus" if every else f"each of the {n_stimuli:,} stimuli shown {MIN_TRIALS} times or more"
    said = (
        f"kept {kept.sum():,} of {len(kept):,} neurons with a split-half reliability of at least {reliability:g} (in "
        f"{n_choosing:,} trials, every second one of {each})",
        f"left these {n_choosing:,} of {len(trials):,} trials out of the comparison",
    )
    before = [step for step in recording.steps if step != AVERAGED]
    return replace(compared, steps=(*before, *said, AVERAGED))


def choosing_trials(trials: xr.DataArray) -> npt.NDArray[np.bool_]:
    """Every second trial of each stimulus that has at least 4, shape (n_trials,), counted within animals and sessions.

    Parameters
    ----------
    trials : DataArray, dimensions (trial, neuron)
        Of a recording, labelled by ``stimulus_index``.
    """
    index = trials["stimulus_index"].to_numpy()
    named = [name for name in ("session", "animal") if name in trials.coords]
    labels = [np.unique(trials[name], return_inverse=True)[1] for name in named]
    order = np.lexsort((np.arange(len(index)), *labels, index))
    counts = np.bincount(index)
    rank = np.empty(len(index), dtype=np.intp)
    rank[order] = np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts)
    return (rank % 2 == 1) & (counts[index] >= MIN_TRIALS)


def _repeated(recording: Recording) -> xr.DataArray:
    """The trials, if they are enough; InputError with their numbers if not."""
    needs = (
        f"choosing neurons by reliability needs at least {MIN_STIMULI} stimuli with {MIN_TRIALS} trials each: 2 to "
        "choose neurons by, and 2 others to compare; leave out reliability"
    )
    if recording.responses is None:
        raise InputError(f"{recording.name} is known only by its RDM; {needs}")
    if recording.trials is None:
        raise InputError(f"{recording.name}: no stimulus was shown twice, or only averages are known; {needs}")
    counts = np.bincount(recording.trials["stimulus_index"].to_numpy(), minlength=recording.n_stimuli)
    enough = int((counts >= MIN_TRIALS).sum())
    if enough < MIN_STIMULI:
        low, high = counts.min(), counts.max()
        each = f"{high} trials each" if low == high else f"{low} to {high} trials each, {enough} of them {MIN_TRIALS}"
        raise InputError(
            f"{recording.name}: its {recording.n_stimuli:,} stimuli have {each}"
            f"{'' if low == high else ' or more'}; {needs}"
        )
    return recording.trials
