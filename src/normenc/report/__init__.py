"""The page that shows a run: one self-contained HTML file, made from what the run's folder holds."""

from normenc.report.page import render, write
from normenc.report.sentences import findings

__all__ = ["findings", "render", "write"]
