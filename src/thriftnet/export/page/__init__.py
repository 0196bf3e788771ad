"""One HTML file that classifies pictures offline: the page, its runtime and its check.

`render` makes the page; its engine is exchangeable (`contract.js`), so the service uses it, too.
"""

from thriftnet.export.page.facts import page_facts
from thriftnet.export.page.template import PageEngine, PageFacts, render, scripts

__all__ = ["PageEngine", "PageFacts", "page_facts", "render", "scripts"]
