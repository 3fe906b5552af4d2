"""Files that live outside docs/ and belong to the site: the root's pages, and the examples that pages link to."""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

PAGES = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}


def on_files(files: Files, config: Any) -> Files:
    """Add the root's pages, with their links to docs/ made links of the site, and all example files."""
    root = Path(config.config_file_path).parent
    for name, uri in PAGES.items():
        text = (root / name).read_text(encoding="utf-8")
        files.append(File.generated(config, uri, content=re.sub(r"\]\(docs/", "](", text)))
    for path in sorted((root / "examples").iterdir()):
        if path.is_file():
            files.append(File.generated(config, f"examples/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Links to ../examples/, which are right in the repository, are to the site's copy."""
    return markdown.replace("](../examples/", "](examples/")


def on_config(config: Any) -> Any:
    """Rebuild when these change, too (mkdocs serve)."""
    root = Path(config.config_file_path).parent
    config.watch += [str(root / name) for name in (*PAGES, "examples", "src")]
    return config
