"""One HTML file that classifies pictures offline: the page, what runs it, how it is tried.

`render` makes the page; its engine is exchangeable (`contract.js`), so that a service shows it too.
"""

from thriftnet.export.page.facts import page_facts
from thriftnet.export.page.template import PageEngine, PageFacts, render, scripts

__all__ = ["PageEngine", "PageFacts", "page_facts", "render", "scripts"]
