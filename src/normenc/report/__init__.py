"""The page of a run, and the page that compares several: self-contained HTML, made from what runs' folders hold."""

from normenc.report.answering import answer
from normenc.report.comparison import compare, write_comparison
from normenc.report.designed import write_design
from normenc.report.page import render, write
from normenc.report.reproduced import write_reproduction
from normenc.report.sentences import findings

__all__ = ["answer", "compare", "findings", "render", "write", "write_comparison", "write_design", "write_reproduction"]
