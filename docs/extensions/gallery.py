"""The gallery: scripts that run when the site is built, each for one question, and the words for their pictures."""

import re
import warnings
from pathlib import Path
from typing import Any

from sphinx.errors import ExtensionError
from sphinx_gallery.scrapers import matplotlib_scraper

ORDER = (
    "which_layer",
    "good_enough",
    "training_effect",
    "three_networks",
    "nwb_to_report",
    "tuned",
    "encoding_rival",
    "animals",
    "circle",
    "design",
    "time_budget",
    "own_measure",
    "own_parts",
)
FILTERS: list[Any] = []  # of warnings, as they were before a script
WORDS = re.compile(r"^ *# Picture: (.+)$", flags=re.MULTILINE)
INSTALL = """\
import importlib.util

if importlib.util.find_spec("normenc") is None:  # as on Colab
    %pip install --quiet "normenc[nets,nwb]"
"""


class Order:
    """The scripts as they stand on the page; one that is not named in ORDER stops the build."""

    def __init__(self, folder: str) -> None:
        pass

    def __call__(self, name: str) -> int:
        """Place of a script."""
        if Path(name).stem not in ORDER:
            raise ExtensionError(f"{name}: name this script in ORDER of docs/extensions/gallery.py")
        return ORDER.index(Path(name).stem)


def pictures(block: Any, variables: dict[str, Any], settings: dict[str, Any]) -> str:
    """Keep the pictures that a block of code drew, with the words that its comments have for each."""
    kept = matplotlib_scraper(block, variables, settings)
    n, words = kept.count(":alt: "), WORDS.findall(block[1])
    if n != len(words):
        raise ExtensionError(
            f"{Path(variables['src_file']).name}, line {block[2]}: draws {n} pictures and has words for {len(words)}; "
            "write before each what it shows: # Picture: ..."
        )
    left = iter(words)
    return re.sub(r":alt: .*", lambda _: f":alt: {next(left)}", kept)


def strict(settings: dict[str, Any], script: str, when: str) -> None:
    """Make warnings of scripts errors, which stop the build; those of Sphinx stay what they were."""
    if Path(script).suffix != ".py":  # the folder of them all
        return
    if when == "before":
        FILTERS[:] = warnings.filters
        warnings.filterwarnings("error")
        warnings.filterwarnings("ignore", message=".* is non-interactive")  # plt.show(), which notebooks do not need
    else:
        warnings.filters[:] = FILTERS  # type: ignore[index]


def binder(repository: str, version: str) -> dict[str, Any]:
    """Where Binder finds the notebooks: on the branch that the site is published from; nowhere if that is not known."""
    if not repository:
        return {}
    owner, _, name = repository.partition("/")
    return {
        "org": owner,
        "repo": name,
        "branch": "gh-pages",
        "binderhub_url": "https://mybinder.org",
        "dependencies": "../.binder/requirements.txt",
        "filepath_prefix": version,
        "use_jupyter_lab": True,
    }
