"""Choose neurons by their reliability, in trials that are then left out of the comparison."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import xarray as xr

from normenc.errors import InputError
from normenc.recordings.recording import Recording
from normenc.recordings.rows import averaged
from normenc.recordings.steps import select

__all__ = ["MIN_TRIALS", "choosing_trials", "keep_reliable"]

MIN_TRIALS = 4  # of a stimulus: two to choose neurons by, two to compare
MIN_CHOOSING = MIN_TRIALS // 2  # of a stimulus, for halves of them to be correlated
AVERAGED = "averaged over the trials of each stimulus"  # which is done again, over those that are left
MIN_STIMULI = 3  # with that many trials: a correlation of two is 1 or -1


def keep_reliable(recording: Recording, reliability: float) -> Recording:
    """Keep neurons whose responses repeat, chosen in trials that are then left out.

    Neurons that are chosen and compared in the same trials look reliable because of their noise, too. So each
    stimulus's trials are split: the second, fourth, ... choose the neurons and are left out; the first, third, ... are
    kept, and with an odd number of trials they are one more. Trials are counted in their order and, if animals or
    sessions are labelled, within each animal and each of its sessions: each keeps at least half of its own trials of
    each stimulus, and a single trial is kept. Stimuli of which fewer than 2 trials could choose (with one animal and
    session those with fewer than 4 trials) have no part in the choice, and keep all trials.

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
        If fewer than 3 stimuli have enough trials, or fewer than 2 neurons are reliable.

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
    from normenc import tuning

    trials, chooses = _repeated(recording)
    index = trials["stimulus_index"].to_numpy()
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
    within, whole = _within(trials), n_stimuli == recording.n_stimuli
    some = f"with {MIN_CHOOSING} such trials or more" if within else f"shown {MIN_TRIALS} times or more"
    each = f"each stimulus{within}" if whole else f"each of the {n_stimuli:,} stimuli {some}{within}"
    said = (
        f"kept {kept.sum():,} of {len(kept):,} neurons with a split-half reliability of at least {reliability:g} (in "
        f"{n_choosing:,} trials, every second one of {each})",
        f"left these {n_choosing:,} of {len(trials):,} trials out of the comparison",
    )
    before = [step for step in recording.steps if step != AVERAGED]
    return replace(compared, steps=(*before, *said, AVERAGED))


def choosing_trials(trials: xr.DataArray) -> npt.NDArray[np.bool_]:
    """Every second trial of each stimulus within an animal and session, of stimuli with at least 2 such trials.

    Parameters
    ----------
    trials : DataArray, dimensions (trial, neuron)
        Of a recording, labelled by ``stimulus_index``.

    Returns
    -------
    ndarray of bool, shape (n_trials,)
    """
    second = _every_second(trials)
    index = trials["stimulus_index"].to_numpy()
    return second & (np.bincount(index, second)[index] >= MIN_CHOOSING)


def _every_second(trials: xr.DataArray) -> npt.NDArray[np.bool_]:
    """The second, fourth, ... trial of each stimulus, counted within each animal and session."""
    labels = [trials["stimulus_index"].to_numpy(), *(trials[name].to_numpy() for name in _grouping(trials))]
    codes = np.stack([np.unique(values, return_inverse=True)[1] for values in labels])
    group = np.unique(codes, axis=1, return_inverse=True)[1].ravel()
    order, counts = np.argsort(group, kind="stable"), np.bincount(group)
    rank = np.empty(len(group), dtype=np.intp)
    rank[order] = np.arange(len(group)) - np.repeat(np.cumsum(counts) - counts, counts)
    return rank % 2 == 1


def _grouping(trials: xr.DataArray) -> list[str]:
    """Labels of trials that tell several animals, or sessions, apart."""
    return [name for name in ("animal", "session") if name in trials.coords and len(np.unique(trials[name])) > 1]


def _within(trials: xr.DataArray) -> str:
    """Within what trials are counted, in words; empty where that is all of them."""
    return f" within each {' and '.join(grouping)}" if (grouping := _grouping(trials)) else ""


def _repeated(recording: Recording) -> tuple[xr.DataArray, npt.NDArray[np.bool_]]:
    """The trials, and which of them choose, if they are enough; InputError with their numbers if not."""
    needs = (
        f"choosing neurons by reliability needs at least {MIN_STIMULI} stimuli with {MIN_TRIALS} trials each: "
        f"{MIN_CHOOSING} to choose neurons by, and {MIN_CHOOSING} others to compare; leave out reliability"
    )
    if recording.responses is None:
        raise InputError(f"{recording.name} is known only by its RDM; {needs}")
    if recording.trials is None:
        raise InputError(f"{recording.name}: no stimulus was shown twice, or only averages are known; {needs}")
    trials, chooses = recording.trials, choosing_trials(recording.trials)
    index = trials["stimulus_index"].to_numpy()
    enough = len(np.unique(index[chooses]))
    if enough >= MIN_STIMULI:
        return trials, chooses
    if within := _within(trials):
        left = np.bincount(index, _every_second(trials), recording.n_stimuli).astype(int)
        raise InputError(
            f"{recording.name}: trials are split{within}, of which each keeps at least one trial of a stimulus; that "
            f"leaves {_range(left)} of each stimulus to choose neurons by, and at least {MIN_CHOOSING} trials of "
            f"{MIN_STIMULI} stimuli are needed; leave out reliability"
        )
    counts = np.bincount(index, minlength=recording.n_stimuli)
    some = "" if counts.min() == counts.max() else f", {enough} of them {MIN_TRIALS} or more"
    raise InputError(f"{recording.name}: its {recording.n_stimuli:,} stimuli have {_range(counts)} each{some}; {needs}")


def _range(counts: npt.NDArray[np.int_]) -> str:
    low, high = counts.min(), counts.max()
    return f"{low} to {high} trials" if low < high else f"{high} trial{'s' * int(high != 1)}"
