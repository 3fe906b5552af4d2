"""Attack runs as bad luck and bad neighbours do, and print what held.

    python tests/faults/attack.py                 # all of it: about an hour on two cores
    python tests/faults/attack.py --short         # some of each, as the tests have it

Each attack must end in the same bytes as a run that was left in peace, or in one line that says what is wrong, after
which the same command, or the next, goes on. What else happens is printed, and the exit code is 1.
"""

import argparse
import gc
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import clusters
import disks
import kills
import neighbours
import units
import workplace

from normenc.garbage import collect_rarely

SHOWN = 5  # faults of one attack
Attack = Callable[[Path, int], Iterator[str | None]]


@dataclass
class Outcome:
    """What an attack found."""

    name: str
    n: int = 0
    faults: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, name: str, attack: Attack, folder: Path, seed: int) -> "Outcome":
        """Attack in a folder that is made for it, and removed."""
        found = cls(name)
        folder.mkdir()
        for fault in attack(folder, seed):
            found.n += 1
            if fault is not None:
                found.faults.append(fault)
        workplace.without(folder)
        return found


def attacks(short: bool) -> Iterator[tuple[str, Attack]]:
    """Each by its name: a function of a folder and a seed that gives, for every try, what went wrong or None."""
    few, runs = (1, kills.FEW) if short else (50, kills.STAGES)
    yield "killed anywhere, into a new folder", lambda folder, seed: kills.anywhere(folder, seed, few, runs)
    yield "killed anywhere, over an earlier run", lambda folder, seed: kills.over_another(folder, seed, few, runs)
    yield "disks that are full", lambda folder, seed: disks.full(folder, seed, 1 if short else 12, runs)
    for kind in units.DAMAGES:
        yield f"units: {kind}", lambda folder, seed, kind=kind: units.damaged(folder, seed, kind, 10 if short else 400)
    for name, attack in clusters.FAULTS.items():
        if not short or name in clusters.SHORT:
            yield f"cluster: {name}", lambda folder, seed, attack=attack: attack(folder)
    yield "a hostile user", lambda folder, seed: neighbours.hostile_user(folder)


def main() -> int:
    """Run the attacks and print their table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="some of each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", default=[""], help="attacks whose names hold one of these")
    asked = parser.parse_args()
    faults = 0
    workplace.load()
    gc.freeze()  # what is imported, in every process that is forked
    collect_rarely()
    print(f"{'attack':44} {'tries':>6} {'held':>6}")
    with tempfile.TemporaryDirectory() as parent:
        for name, attack in attacks(asked.short):
            if not any(part in name for part in asked.only):
                continue
            # The same folder for all: a run says where its recording lies.
            found = Outcome.of(name, attack, Path(parent) / "place", asked.seed)
            print(f"{name:44} {found.n:6} {found.n - len(found.faults):6}", flush=True)
            for fault in found.faults[:SHOWN]:
                print(f"    {fault}", flush=True)
            faults += len(found.faults) + (found.n == 0)
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
