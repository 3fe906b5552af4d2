"""The documentation site: `make docs` builds it into build/site, and any warning stops it.

Two variables say where it will be published: NORMENC_DOCS_REPOSITORY is the repository, OWNER/NAME, for links that open
notebooks in Colab and Binder, and NORMENC_DOCS_VERSION the version of the site, "dev" or that of a release.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "docs"), str(ROOT / "docs" / "extensions")]

import gallery  # noqa: E402
import normenc  # noqa: E402

REPOSITORY = os.environ.get("NORMENC_DOCS_REPOSITORY", "")
VERSION = os.environ.get("NORMENC_DOCS_VERSION", "dev")

project = "normenc"
author = "The normenc developers"
project_copyright = author
version = release = normenc.__version__
language = "en"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "architecture",
    "mathml",
    "names",
    "notebooks",
]
exclude_patterns = ["checkers", "extensions", "_static", "gallery", "examples/*.ipynb", "examples/*.py"]
suppress_warnings = ["config.cache"]

myst_enable_extensions = ["amsmath", "attrs_block", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4
nb_execution_mode = "off"
notebooks_from = (REPOSITORY, VERSION)

autodoc_default_options = {"members": True, "show-inheritance": True, "no-value": True}
autodoc_member_order = "alphabetical"
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
numpydoc_xref_param_type = False
add_module_names = False
maximum_signature_line_length = 100

nitpicky = True

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "examples",
    "filename_pattern": r"\.py$",
    "within_subsection_order": "gallery.Order",
    "image_scrapers": ("gallery.pictures",),
    "image_srcset": ["2x"],
    "capture_repr": (),
    "reset_modules": ("matplotlib", "gallery.strict"),
    "reset_modules_order": "both",
    "reference_url": {"normenc": None},
    "doc_module": ("normenc",),
    "first_notebook_cell": gallery.INSTALL,
    "min_reported_time": 3600,
    "write_computation_times": False,
    "show_signature": False,
    "binder": gallery.binder(REPOSITORY, VERSION),
}
linkcheck_anchors = False  # pages of others, which build theirs by scripts
linkcheck_timeout = 30
linkcheck_rate_limit_timeout = 60

html_theme = "pydata_sphinx_theme"
html_title = "normenc"
html_static_path = ["_static"]
html_extra_path = ["../examples/study.json"]  # the schema of study files, for editors
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_math_renderer = "mathml"
html_show_sourcelink = False
html_copy_source = False
html_show_search_summary = False  # it fetches pages, which browsers refuse from disk
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "navbar_end": ["version-switcher", "theme-switcher"],
    "switcher": {"json_url": "_static/switcher.json", "version_match": VERSION},
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_nav_level": 1,
}
copybutton_exclude = ".linenos, .gp, .go"
