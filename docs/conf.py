"""The documentation site: `make docs` builds it into build/site, and any warning stops it."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "docs" / "extensions")]

import normenc  # noqa: E402

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
    "mathml",
    "names",
    "notebooks",
]
exclude_patterns = ["checkers", "extensions", "_static"]
suppress_warnings = ["config.cache"]

myst_enable_extensions = ["amsmath", "attrs_block", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4
nb_execution_mode = "off"

autodoc_default_options = {"members": True, "show-inheritance": True, "no-value": True}
autodoc_member_order = "alphabetical"
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
numpydoc_xref_param_type = False
add_module_names = False
maximum_signature_line_length = 100

nitpicky = True

html_theme = "pydata_sphinx_theme"
html_title = "normenc"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_show_sourcelink = False
html_copy_source = False
html_show_search_summary = False  # it fetches pages, which browsers refuse from disk
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 8,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_nav_level": 1,
}
copybutton_exclude = ".linenos, .gp, .go"
