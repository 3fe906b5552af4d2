"""The page that shows a run: one self-contained HTML file, made from what the run's folder holds."""

from normenc.report.page import findings, render, write

__all__ = ["findings", "render", "write"]
