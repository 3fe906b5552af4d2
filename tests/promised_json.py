"""What the page of commands promises of ``--json``, and what that option prints of something found."""

import json
import re
from pathlib import Path

from normenc.cli.terminal import _plain

PAGE = (Path(__file__).parents[1] / "docs" / "commands.md").read_text(encoding="utf-8").partition("## For programs")[2]


def promised(command):
    """The keys of a command's object, or of each object of its list, as the table says."""
    said = re.search(rf"^\| `{re.escape(command)}` \| (.*) \|$", PAGE, flags=re.MULTILINE)[1]
    return set(re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", said).partition(";")[0]))


def as_printed(found):
    """What a command that found this prints."""
    return json.loads(json.dumps(_plain(found.told()), allow_nan=False))
