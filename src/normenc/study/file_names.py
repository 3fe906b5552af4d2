"""What others must know of a run's folder; apart, so that reading a run does not load what makes one."""

__all__ = ["FAILED_FIT", "REPORT", "SHEET_COLUMNS"]

REPORT = "report.html"  # what normenc.report writes into it
SHEET_COLUMNS = 20  # stimuli in a row of stimuli.png
FAILED_FIT = "the fit failed"  # how the notes of predictivity.csv begin, where one did
