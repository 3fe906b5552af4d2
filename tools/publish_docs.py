"""Put a built site beside those of other versions: `python tools/publish_docs.py SITE PAGES VERSION --root /normenc/`.

PAGES is a checkout of the branch from which pages are served, and --root the path of its address. VERSION, "dev" or a
release, names the folder that SITE replaces. Each version gets the list of all that are there, for its switcher; the
first page leads to the newest release; and Binder finds what to install.
"""

import argparse
import json
import re
import shutil
from pathlib import Path

DEV = "dev"
VERSION = re.compile(r"\d+\.\d+\.\d+")


def publish(site: Path, pages: Path, version: str, root: str) -> list[str]:
    """Copy a site to its place, and write what leads from one version to another; all versions, the newest first."""
    if version != DEV and not VERSION.fullmatch(version):
        raise SystemExit(f"{version}: not a version; give dev or one such as 0.2.0")
    if not (site / "index.html").is_file():
        raise SystemExit(f"{site}: no site there; build it with make docs")
    shutil.rmtree(pages / version, ignore_errors=True)
    shutil.copytree(site, pages / version)
    found = versions(pages)
    text = json.dumps(entries(found, root), indent=1) + "\n"
    for one in found:
        (pages / one / "_static" / "switcher.json").write_text(text, encoding="utf-8")
    (pages / "index.html").write_text(first_page(newest(found)), encoding="utf-8")
    (pages / ".nojekyll").touch()  # folders whose names begin with _ are served, too
    if (pages / newest(found) / "binder").is_dir():
        shutil.copytree(pages / newest(found) / "binder", pages / "binder", dirs_exist_ok=True)
    return found


def versions(pages: Path) -> list[str]:
    """The versions that are there: dev, then releases, the newest first."""
    names = [path.parent.name for path in pages.glob("*/index.html")]
    releases = [name for name in names if VERSION.fullmatch(name)]
    return [DEV] * (DEV in names) + sorted(releases, key=lambda name: [*map(int, name.split("."))], reverse=True)


def newest(found: list[str]) -> str:
    """The newest release, or dev before the first."""
    return next((name for name in found if name != DEV), DEV)


def entries(found: list[str], root: str) -> list[dict[str, object]]:
    """What the theme's switcher reads."""
    best = newest(found)
    return [
        {
            "version": name,
            "name": f"{name} (stable)" if name == best != DEV else name,
            "url": f"{root.rstrip('/')}/{name}/",
            "preferred": name == best,
        }
        for name in found
    ]


def first_page(version: str) -> str:
    """A page that leads to a version."""
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>normenc</title>\n'
        f'<meta http-equiv="refresh" content="0; url={version}/">\n'
        f'<a href="{version}/">normenc {version}</a>\n</html>\n'
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("site", type=Path)
    parser.add_argument("pages", type=Path)
    parser.add_argument("version")
    parser.add_argument("--root", default="/")
    given = parser.parse_args()
    print("versions:", ", ".join(publish(given.site, given.pages, given.version, given.root)))
