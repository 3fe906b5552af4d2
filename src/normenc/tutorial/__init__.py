"""The checkers of the lesson's coding exercises (docs/tutorial.ipynb): they tell in words what is wrong."""

from normenc.tutorial.comparison import check_comparison
from normenc.tutorial.dissimilarity import check_rdm
from normenc.tutorial.verdict import Verdict

__all__ = ["Verdict", "check_comparison", "check_rdm"]
