"""The recordings that normenc knows by name."""

from dataclasses import dataclass
from typing import Any

__all__ = ["SOURCES", "Source"]


@dataclass(frozen=True)
class Source:
    """Where a named recording comes from; `url` is None for one that is made here."""

    name: str
    size: str
    species: str
    area: str
    units: str
    source: str
    citation: str
    licence: str
    simulated: bool = False
    url: str | None = None
    md5: str | None = None
    filename: str | None = None

    def facts(self) -> dict[str, Any]:
        """The facts for a Recording."""
        names = ("species", "area", "units", "source", "citation", "licence", "simulated")
        return {name: getattr(self, name) for name in names}


SOURCES = {
    source.name: source
    for source in (
        Source(
            name="simulated-v1",
            size="181 stimuli x 2,000 neurons",
            species="simulated mouse",
            area="simulated V1",
            units="z-score over stimuli",
            source="normenc.recordings.simulated_v1",
            citation="The normenc developers, normenc: normative encoding models, 2026",
            licence="BSD-3-Clause",
            simulated=True,
        ),
        Source(
            name="simulated-natural",
            size="200 colour photographs x 200 neurons x 4 repeats",
            species="simulated",
            area="simulated",
            units="arbitrary units",
            source="normenc.recordings.simulated_from_photographs",
            citation=(
                "The normenc developers, normenc: normative encoding models, 2026; photographs of scikit-image and "
                "scikit-learn"
            ),
            licence="BSD-3-Clause; photographs as stated by scikit-image and scikit-learn",
            simulated=True,
        ),
        Source(
            name="stringer2021",
            size="181 stimuli x about 23,600 neurons",
            species="mouse",
            area="V1",
            units="z-score over stimuli of responses normalised by spontaneous activity",
            source="https://osf.io/683xc",
            citation=(
                "Stringer, Michaelos, Tsyboulski, Lindo & Pachitariu, High-precision coding in visual cortex, "
                "Cell 184 (2021)"
            ),
            licence="as stated at the source",
            url="https://osf.io/683xc/download",
            md5="436599dfd8ebe6019f066c38aed20580",
            filename="W3D4_stringer_oribinned1.npz",
        ),
    )
}
