"""The site of docs/: `make site` writes it to build/site. A warning is an error there."""

import importlib.metadata
from pathlib import Path

from sphinx.application import Sphinx

project = "thriftnet"
author = "The thriftnet authors"
copyright = "2026, the thriftnet authors"
release = importlib.metadata.version("thriftnet")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns: list[str] = []
myst_heading_anchors = 4
default_role = "code"  # docstrings write names between single backticks, as Markdown does

html_theme = "furo"
html_title = f"thriftnet {release}"
html_show_sphinx = False
html_copy_source = False
html_static_path = ["static"]
html_css_files = ["site.css"]
html_theme_options = {"top_of_page_buttons": []}

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"


# Napoleon takes what stands before the first colon of a field's docstring for its type; ours are
# sentences. They are kept before it runs (its priority is 500) and put back after.
_sentences: dict[str, list[str]] = {}
_FIELDS = {"attribute", "property"}


def _keep(
    _app: Sphinx, what: str, name: str, _obj: object, _opts: object, lines: list[str]
) -> None:
    if what in _FIELDS:
        _sentences[name] = [*lines]


def _restore(
    _app: Sphinx, what: str, name: str, _obj: object, _opts: object, lines: list[str]
) -> None:
    if what in _FIELDS:
        lines[:] = _sentences.pop(name)


# What the theme's pages lack for screen readers and keyboards: the level of headings, names of
# regions, and the focus of wide tables, without which keys cannot scroll them.
_TABLE = '<div class="table-wrapper colwidths-auto docutils container">'
_NAMED = {
    'class="caption" role="heading">': 'class="caption" role="heading" aria-level="2">',
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="Pages">',
    '<aside class="toc-drawer">': '<aside class="toc-drawer" aria-label="On this page">',
    _TABLE: f'{_TABLE[:-1]} tabindex="0" role="group" aria-label="Table">',
}


def _name_regions(app: Sphinx, fault: Exception | None) -> None:
    for page in Path(app.outdir).rglob("*.html") if fault is None else ():
        text = page.read_text("utf-8")
        for found, named in _NAMED.items():
            text = text.replace(found, named)
        page.write_text(text, "utf-8")


def setup(app: Sphinx) -> None:
    """Around napoleon, and after all pages."""
    app.connect("build-finished", _name_regions)
    app.connect("autodoc-process-docstring", _keep, priority=400)
    app.connect("autodoc-process-docstring", _restore, priority=600)
