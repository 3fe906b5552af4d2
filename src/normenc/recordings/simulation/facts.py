"""What is known about the simulated recordings that have a name."""

from typing import Any

__all__ = ["NATURAL", "V1"]

V1: dict[str, Any] = {
    "species": "simulated mouse",
    "area": "simulated V1",
    "units": "z-score over stimuli",
    "source": "normenc.recordings.simulated_v1",
    "citation": "The normenc developers, normenc: normative encoding models, 2026",
    "licence": "BSD-3-Clause",
    "simulated": True,
}
NATURAL: dict[str, Any] = {
    "species": "simulated",
    "area": "simulated",
    "units": "arbitrary units",
    "source": "normenc.recordings.simulated_from_photographs",
    "citation": (
        "The normenc developers, normenc: normative encoding models, 2026; photographs of scikit-image and scikit-learn"
    ),
    "licence": "BSD-3-Clause; photographs as stated by scikit-image and scikit-learn",
    "simulated": True,
}
