"""The verdict on a recording, and what speaks against it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from normenc.quality.rdm_reliability import MIN_STIMULI

if TYPE_CHECKING:
    from normenc.quality.checking import Quality
    from normenc.quality.neurons import Count, Decoded, NeuronQuality
    from normenc.recordings import Recording

__all__ = ["counted", "too_few", "verdict_of"]

WEAK = 0.3  # reliability of the RDM below which models can hardly be distinguished
FEW_STIMULI, FEW_NEURONS = 12, 20
MIN_STUDY = 4  # stimuli that a study needs
MUCH_DRIFT = 0.2  # share of neurons
CHANCE = 0.05  # p-value of the RDM's reliability
GUESSING = 0.01  # p-value of the decoder
FEW_TUNED = 0.05  # share of neurons
NOTHING = 0.02  # negligible reliability of neurons
MANY = 500  # different orientations, too many to have been chosen one by one
DOUBT = "Do trials match their labels? Until this is resolved, no model comparison on this recording means anything."


def verdict_of(quality: "Quality") -> tuple[str, tuple[str, ...]]:
    """The verdict in one word, and the warnings, the most serious first."""
    word, grave = _reliability(quality)
    return word, (*grave, *_stimuli(quality), *_values(quality))


def too_few(recording: "Recording") -> list[str]:
    """Reasons why the recording cannot be used in a study."""
    faults = []
    if recording.n_stimuli < MIN_STUDY:
        faults.append(
            f"{recording.n_stimuli} stimuli are too few to compare models: run and power need at least {MIN_STUDY}."
        )
    if recording.n_neurons == 1:
        faults.append("an RDM of correlations needs at least 2 neurons, and there is one; run and power cannot use it.")
    return faults


def _reliability(quality: "Quality") -> tuple[str, list[str]]:
    rdm, neurons = quality.rdm, quality.neurons
    decoded = {} if neurons is None else neurons.decoded
    guessing = bool(decoded) and all(own.p_value > GUESSING for own in decoded.values())
    if rdm is not None and not (rdm.p_value <= CHANCE and rdm.reliability > 0):
        return "unreliable", [
            "unreliable: the RDMs of two halves of the trials have nothing in common (reliability "
            f"{rdm.reliability:z.2f}, 95 % confidence interval {rdm.low:z.2f} to {rdm.high:z.2f}, "
            f"p = {rdm.p_value:.2f}). {DOUBT}"
        ]
    if neurons is not None and neurons.high <= NOTHING:
        return "unreliable", [
            "unreliable: neurons do not respond consistently to the same stimulus (median reliability "
            f"{neurons.reliability:z.2f}). {DOUBT}"
        ]
    if rdm is None and guessing:
        return "unreliable", [f"unreliable: {_guesses(decoded)}. {DOUBT}"]
    if rdm is None:
        return "unknown", [_why_unknown(quality)]
    warnings = []
    if guessing:
        warnings.append(
            f"{_guesses(decoded)}, although responses repeat: is the unit degrees, and are the labels right?"
        )
    if rdm.reliability >= WEAK:
        return "reliable", warnings
    warnings.append(
        f"the RDM is weakly reliable ({rdm.reliability:z.2f}, 95 % confidence interval "
        f"{rdm.low:z.2f} to {rdm.high:z.2f}); "
        "only large differences between models can be detected. More trials, or wider bins of stimuli, would help."
    )
    return "weak", warnings


def _guesses(decoded: Mapping[str, "Decoded"]) -> str:
    """Say that no decoder is better than chance."""
    errors = [f"{own.error:.0f} degrees, {own.chance:g} by chance" for own in decoded.values()]
    return f"a decoder of {' or '.join(decoded)} only guesses (median error {'; '.join(errors)})"


def _why_unknown(quality: "Quality") -> str:
    if quality.n_neurons is None:
        if quality.n_animals + quality.n_sessions > 1:
            return (
                "there are no trials, so the reliability of each RDM is not known; the noise ceiling shows how far the "
                f"RDMs of {'subjects' if quality.n_animals > 1 else 'sessions'} agree."
            )
        return "only the RDM is known, so its reliability cannot be estimated."
    if quality.n_stimuli < MIN_STIMULI:
        return (
            f"{quality.n_stimuli} stimuli are too few to estimate the reliability of the RDM; {MIN_STIMULI} are needed."
        )
    if quality.n_repeats[1] > 1:
        return f"fewer than {MIN_STIMULI} stimuli were shown twice, too few to estimate the reliability of the RDM."
    if quality.shown.period is not None and quality.n_stimuli > MANY:
        return (
            f"each of {quality.n_stimuli} rows shows another {quality.shown.noun}; in bins (bin_width=) they become "
            "trials, and their reliability can be estimated."
        )
    return "there are no repeated trials, so the reliability is not known; give trials instead of averages if possible."


def _stimuli(quality: "Quality") -> list[str]:
    warnings = []
    if MIN_STUDY <= quality.n_stimuli < FEW_STIMULI:
        warnings.append(
            f"{quality.n_stimuli} stimuli are few: intervals will be wide, and with fewer than {MIN_STIMULI} they do "
            "not generalise to other stimuli."
        )
    if not quality.has_images:
        warnings.append(
            "the images are missing, so no network can be shown them; add them with images='FOLDER', or as images in "
            "the section [stimuli] of a study file."
        )
    if quality.shown.period is not None and not quality.covers_circle:
        warnings.append(
            f"{quality.shown.plural} from {quality.first:g} to {quality.last:g} leave a gap of {quality.largest_gap:g} "
            "degrees in the circle; stimuli are then resampled one by one, as if neighbours were independent."
        )
    if quality.n_neurons is not None and 1 < quality.n_neurons < FEW_NEURONS:
        warnings.append(f"{quality.n_neurons} neurons are few for an RDM; its values will be noisy.")
    low, high = quality.n_repeats
    if high > 1 and low == 1:
        warnings.append("some stimuli were shown only once; they count in averages, but not in reliabilities.")
    return warnings


def _values(quality: "Quality") -> list[str]:
    raw, neurons, warnings = quality.raw, quality.neurons, []
    if raw is not None:
        if raw.missing and not raw.left_out:
            warnings.append(
                f"{counted(raw.missing, 'response')} {_are(raw.missing)} missing, in "
                f"{counted(raw.neurons_missing, 'neuron')} and {counted(raw.trials_missing, 'trial')}, and "
                f"{'was' if raw.missing == 1 else 'were'} left out here; for run and power, pass missing='neurons' or "
                "missing='trials' to do the same."
            )
        if raw.constant:
            never = (
                "never changes its response; leave it"
                if raw.constant == 1
                else "never change their response; leave them"
            )
            warnings.append(f"{counted(raw.constant, 'neuron')} {never} out.")
        if raw.duplicated:
            repeat = "repeats" if raw.duplicated == 1 else "repeat"
            warnings.append(
                f"{counted(raw.duplicated, 'neuron')} {repeat} another one exactly; was a neuron counted twice?"
            )
    if neurons is not None and neurons.drifting > MUCH_DRIFT:
        warnings.append(
            f"{neurons.drifting:.0%} of neurons drift over the trials in the order of the file; check for bleaching or "
            "a change of the animal's state, and whether stimuli were shown in random order."
        )
    return [*warnings, *([] if neurons is None else _tuning(quality.shown.folds_onto is not None, neurons))]


def _tuning(can_be_folded: bool, neurons: "NeuronQuality") -> list[str]:
    """Warnings about the tuning of neurons."""
    tuned, orientation, direction = neurons.tuned, neurons.tuned_orientation, neurons.tuned_direction
    if tuned.share < FEW_TUNED:
        return [f"responses differ between stimuli in {_few(tuned)}."]
    if can_be_folded and orientation.share >= FEW_TUNED and direction.share < FEW_TUNED:
        return [
            f"neurons are tuned to orientation ({orientation.n:,} of {orientation.tested:,}), not to direction "
            f"({direction.n:,}): fold_directions=True compares orientations and pools the trials of opposite "
            "directions."
        ]
    if orientation.share < FEW_TUNED and not direction.share >= FEW_TUNED:
        return [f"{_few(orientation)} {'is' if orientation.n == 1 else 'are'} tuned to orientation."]
    return []


def _few(count: "Count") -> str:
    return f"{f'only {count.n:,}' if count.n else 'none'} of {counted(count.tested, 'neuron')}"


def counted(n: int, noun: str) -> str:
    """A number with its noun.

    Examples
    --------
    >>> counted(1, "neuron"), counted(1200, "neuron")
    ('1 neuron', '1,200 neurons')
    """
    return f"{n:,} {noun}{'s' * (n != 1)}"


def _are(n: int) -> str:
    return "is" if n == 1 else "are"
