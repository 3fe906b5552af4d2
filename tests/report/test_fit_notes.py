"""Notes on fits, as the encoding room makes them, are said once for all encoders."""

import numpy as np

from normenc.encoding import cross_validated_predictions
from normenc.report.fit_notes import fit_notes


def test_edges_of_the_grid_are_told_once_with_every_encoders_share():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 8))
    grid = [1e3, 1e4]
    some = cross_validated_predictions(features, features @ rng.normal(size=(8, 20)), penalties=grid)
    none = cross_validated_predictions(features, rng.normal(size=(60, 20)), penalties=grid)
    assert some.warnings and none.warnings and "argument penalties" in some.warnings[0]
    rows = [
        {"encoder": "pool", "notes": "; ".join(some.warnings)},
        {"encoder": "fc", "notes": "; ".join(none.warnings)},
        {"encoder": "pixels", "notes": "; ".join(["the fit failed: far worse than by a constant", *some.warnings])},
        {"encoder": "course network", "notes": float("nan")},
    ]
    said = fit_notes(rows)
    lower = next(note for note in said if "lower end of the grid (1000)" in note)
    share = f"{some.at_lowest.mean():.1%}".replace("%", " %")
    assert f"for {share} of neurons predicted from pool, " in lower and f"{share} from pixels:" in lower
    assert sum("lower end" in note for note in said) == 1 and sum("upper end" in note for note in said) <= 1
    assert sum("pass penalties to normenc.encoding.cross_validated_predictions" in note for note in said) == 1
    assert said[-1] == "pixels: the fit failed: far worse than by a constant"
    assert not any("begin the grid" in note or "end the grid" in note for note in said)


def test_without_notes_nothing_is_said():
    assert fit_notes([{"encoder": "pool", "notes": float("nan")}, {"encoder": "fc", "notes": ""}]) == []
