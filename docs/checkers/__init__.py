"""The checkers of the lesson's coding exercises (docs/tutorial.ipynb): they tell in words what is wrong."""

from checkers.comparison import check_comparison
from checkers.dissimilarity import check_rdm
from checkers.verdict import Verdict

__all__ = ["Verdict", "check_comparison", "check_rdm"]
