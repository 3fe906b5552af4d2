"""Whether the sources are ready to be released as a version: `python tools/check_release.py v0.2.0 [--notes]`.

The package, CITATION.cff, .zenodo.json and the first section of CHANGELOG.md must name this version, and that section a
date. With --notes, print the section: the notes of the release.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def versions() -> dict[str, str]:
    """The version that each file names."""
    read = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("CITATION.cff", "CHANGELOG.md")}
    package = (ROOT / "src" / "normenc" / "__init__.py").read_text(encoding="utf-8")
    return {
        "src/normenc/__init__.py": _found(r'^__version__ = "([^"]+)"', package),
        "CITATION.cff": _found(r"^version: (\S+)", read["CITATION.cff"]),
        ".zenodo.json": json.loads((ROOT / ".zenodo.json").read_text(encoding="utf-8"))["version"],
        "CHANGELOG.md": _found(r"^## (\S+)", read["CHANGELOG.md"]),
    }


def notes() -> tuple[str, str]:
    """The heading of the newest section of the changelog, and its text."""
    _, heading, text, *_ = re.split(
        r"^## (.+)\n", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    return heading, text.strip()


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, flags=re.MULTILINE)
    return match[1] if match else "none"


def main(tag: str, *options: str) -> None:
    """Print the notes, or what is wrong."""
    version = tag.removeprefix("v")
    wrong = [f"{name} says {found}" for name, found in versions().items() if found != version]
    heading, text = notes()
    if not re.search(r"\d{4}-\d{2}-\d{2}$", heading):
        wrong.append(f"CHANGELOG.md: the section {heading!r} has no date")
    if wrong:
        sys.exit(f"{tag}: not ready: {'; '.join(wrong)}")
    print(text if "--notes" in options else f"{tag}: ready")


if __name__ == "__main__":
    main(*sys.argv[1:])
