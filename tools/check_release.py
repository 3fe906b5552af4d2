"""Whether the sources are ready to be released as a version: `python tools/check_release.py v0.2.0 [--notes]`.

The tag gives the package its version. CITATION.cff, the first section of CHANGELOG.md, and the fallback in
pyproject.toml, for sources without tags, must name the same, and that section a date. With --notes, print the section:
the notes of the release.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def versions() -> dict[str, str]:
    """The version that each file names."""
    read = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("CITATION.cff", "CHANGELOG.md")}
    fallback = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["version"]
    return {
        "pyproject.toml": fallback["fallback-version"].removesuffix(".dev0"),
        "CITATION.cff": _found(r"^version: (\S+)", read["CITATION.cff"]),
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
