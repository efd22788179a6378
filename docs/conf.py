"""How `sphinx-build docs results/site` makes the site."""

import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
# The package as it stands here, installed or not, and the extensions beside this file.
sys.path[:0] = [str(DOCS.parent / "src"), str(DOCS / "_extensions")]

from fleximodal import __version__  # noqa: E402

project = "fleximodal"
release = __version__
language = "en"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "elsewhere",
    "declared",
]
exclude_patterns = ["_*"]

myst_heading_anchors = 4  # links such as page.md#a-heading, as on a plain git view

default_role = "code"  # of single backticks in docstrings
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings give shapes, which types do not

html_theme = "furo"
html_title = f"{project} {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False
