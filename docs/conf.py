"""The documentation site. Pages lie where they are read without it, so that a link is the same on both."""

import os
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPO / "scripts"), str(REPO / "docs")]
os.environ["PYTHONPATH"] = str(REPO / "scripts")  # of the notebook's kernel

from generated_text import GENERATED  # noqa: E402

import cellcohort  # noqa: E402

project = "cellmemory-cohort"
version = release = cellcohort.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "numpydoc"]

root_doc = "docs/index"
include_patterns = [
    "docs/*.md",
    "config/README.md",
    "resources/README.md",
    "tests/README.md",
    "tests/benchmarks/README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
]
_FOLDERS = {page.split("/")[0] for page in include_patterns}
exclude_patterns = ["docs/_build", *(path.name for path in REPO.iterdir() if path.name not in _FOLDERS)]

html_theme = "sphinx_book_theme"
html_context = {"default_mode": "auto"}
html_title = project
html_copy_source = False
html_extra_path = ["site"]  # an index.html that leads to the start page
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {
    "home_page_in_toc": True,
    "navbar_persistent": [],  # the sidebar has the search
    "show_toc_level": 2,
    "use_download_button": False,
}

myst_heading_anchors = 4
suppress_warnings = ["myst.header"]  # text taken over from another page begins below its headings
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 900
nb_output_stderr = "remove"  # progress

default_role = "code"
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False


def insert_generated(app, docname, source):
    """Put what is made of code and of other pages in the place of `<!-- generated: NAME -->`."""
    for name, make in GENERATED.items():
        mark = f"<!-- generated: {name} -->"
        if mark in source[0]:
            source[0] = source[0].replace(mark, make())


def setup(app):
    """Called by Sphinx."""
    app.connect("source-read", insert_generated)
