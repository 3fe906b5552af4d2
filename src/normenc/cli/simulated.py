"""What `normenc power` and `normenc identify` print of simulated recordings."""

from typing import Any

from normenc.cli.printing import print_table
from normenc.cli.terminal import echo

__all__ = ["print_identifications", "print_power"]

SHOWN_SHARE = 0.005  # which would be shown as 0 %
ENOUGH = 0.8  # power that studies usually aim at


def print_power(power: Any) -> None:
    """Print how often the correct model was found, and how often pairs were told apart, for each amount of data."""
    from normenc.report.identified import noise_in_words

    amounts = ["n_stimuli", "n_neurons", "n_animals", "n_repeats"]
    table = power.recovery.groupby(amounts, as_index=False)["recovered"].mean()
    decided = power.pairs.groupby(amounts)["power"].agg(lambda own: f"{(own >= ENOUGH).mean():.0%}".replace("%", " %"))
    rows = [
        [
            *(str(getattr(row, name)) for name in amounts),
            *(f"{row.recovered:.2f}", share, f"{weak.power:.2f}", f"{weak.generating} > {weak.other}"),
        ]
        for row, share, weak in zip(table.itertuples(), decided, power.weakest.itertuples(), strict=True)
    ]
    pairs = (f"pairs with power {ENOUGH:g}", "weakest pair's power", "weakest pair")
    columns = ("stimuli", "neurons", "animals", "repeats", "correct model wins", *pairs)
    print_table(columns, rows)
    echo(
        "power: how often the paired test (0.05, uncorrected) finds that the generating model is more "
        "similar than the other model. With another number of stimuli the models have "
        "other RDMs, so another pair may be the weakest: power_pairs.csv has every pair.",
        wrapped=True,
    )
    echo(" ".join([noise_in_words(power.noise_from), *power.notes]), wrapped=True)
    _print_same(power.same)


def print_identifications(own: Any) -> None:
    """Print how often the true candidate would be named, by each measure, and what it would be taken for."""
    from normenc.report.identified import had_it_been_true, never_named, rate_in_words, simulated_in_words

    found = own.found
    for measure in found.measures:
        shares, left_out = found.matrix(measure), found.matrix(measure, left_out=True)
        rates = own.rates[own.rates["measure"] == measure].set_index("truth")
        rows = []
        for truth in shares.index:
            rate = rates.loc[truth] if truth in rates.index else None
            named = "not a candidate" if rate is None else f"{100 * rate['rate']:.0f} %"
            interval = "" if rate is None else f"{100 * rate['low']:.0f} to {100 * rate['high']:.0f} %"
            rows.append((truth, named, interval, _most(shares.loc[truth], truth), _most(left_out.loc[truth], truth)))
        columns = ("truth", "named", "95 % confidence interval", "otherwise mostly", "left out, taken for")
        echo(f"by {measure}:", bold=True)
        print_table(columns, rows)
    first = found.same.get(own.first, own.first)
    shares = found.matrix(found.measures[0])
    if first in shares.index:
        echo(had_it_been_true(first, shares.loc[first].to_dict()), wrapped=True)
    overall = own.rates[own.rates["truth"] == own.ALL].iloc[0]
    echo(rate_in_words(shares.shape[1], overall["rate"], overall["low"], overall["high"]), wrapped=True)
    if said := never_named(shares):
        echo(said, wrapped=True)
    for sentence in (simulated_in_words(own.facts), *own.facts["notes"]):
        echo(sentence, wrapped=True)
    _print_same(found.same)


def _print_same(same: Any) -> None:
    for label, other in same.items():
        said = f"it has the same RDM as {other}, so no measure of RDMs can tell them apart; they are counted once."
        echo(f"{label}: {said}", wrapped=True)


def _most(shares: Any, truth: str) -> str:
    """The other candidate that is named most often."""
    others = shares.drop(truth, errors="ignore").dropna()
    if others.empty or not others.max() >= SHOWN_SHARE:
        return ""
    return f"{others.idxmax()} ({100 * others.max():.0f} %)"
