"""What others must know of a run's folder; apart, so that reading a run does not load what makes one."""

import re
import unicodedata
from hashlib import sha256

__all__ = ["FAILED_FIT", "REPORT", "SHEET_COLUMNS", "file_stem", "own_stem"]

REPORT = "report.html"  # what normenc.report writes into it
SHEET_COLUMNS = 20  # stimuli in a row of stimuli.png
FAILED_FIT = "the fit failed"  # how the notes of predictivity.csv begin, where one did
MOST_BYTES = 60  # of a label in a file's name, which may have 255 in all
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)  # no file of Windows is called so
MARKED = re.compile(r"fitted_|.*-[0-9a-f]{8}$")  # names that normenc gives itself


def own_stem(name: str) -> str:
    """What stands for one of normenc's own names, of a control or a fitted network, in names of files."""
    return name.replace(" ", "_")


def file_stem(*labels: str) -> str:
    """What stands for labels in names of files, and of variables in them; no two are alike.

    Letters, digits, ``.``, ``_`` and ``-`` stay as they are, so that a plain label is its own name. Whatever else there
    is becomes ``_``, a long label is cut, and eight digits that follow from the whole are added; so they are where
    two sets of labels could become one name. Labels that differ in capitals alone are one name on some disks.

    Parameters
    ----------
    *labels : str
        One or several, which ``_`` joins.

    Examples
    --------
    >>> file_stem("ConvPoolFC"), file_stem("angle", "a_b"), file_stem("a b"), file_stem("a_b", "c")
    ('ConvPoolFC', 'angle_a_b', 'a_b-c8687a08', 'a_b_c-0c1d18f5')
    """
    joined = "_".join(map(_safe, labels))
    is_plain = joined == "_".join(labels) and not any("_" in label for label in labels[:-1])
    if is_plain and not MARKED.match(joined):
        return joined
    return f"{joined}-{sha256(chr(0).join(labels).encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def _safe(label: str) -> str:
    """A label in the characters, and of the length, that names of files have on every system."""
    found = unicodedata.normalize("NFC", label)
    found = "".join(letter if _is_safe(letter) else " " for letter in found)
    found = re.sub(r"^[. ]+|[. ]+$| +", "_", found)
    found = f"_{found}" if DEVICES.match(found) else found
    return found.encode("utf-8")[:MOST_BYTES].decode("utf-8", "ignore")


def _is_safe(letter: str) -> bool:
    return letter in "._-" or unicodedata.category(letter)[0] in "LMN"
