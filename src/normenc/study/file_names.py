"""Names in a run's folder by which others know it; apart, so that reading a run does not load what makes one."""

__all__ = ["MARK", "REPORT"]

MARK = "study.toml"  # what makes a folder a run
REPORT = "report.html"  # what normenc.report writes into it
