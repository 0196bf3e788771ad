"""Does an accessibility checker find anything in a page that thriftnet writes, or in its site?

    npm pack axe-core && tar -xzf axe-core-*.tgz package/axe.min.js
    python benchmarks/report_accessibility.py --axe package/axe.min.js

Every kind of page that thriftnet writes or serves, of made-up content, and the site are opened in
Chromium, light and dark, wide and narrow. Files are opened with the network off, what is folded is
unfolded, and a page that classifies is given a picture. Then axe runs with all of its rules. Takes
about fifteen minutes. Writes results/report_accessibility.json.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import matplotlib as mpl
from playwright.sync_api import Browser, expect

from support.browser import chromium
from support.record import write_result
from support.written_pages import command_pages, reported_pages, served_pages, site_pages

PHOTO = Path(mpl.get_data_path(), "sample_data", "grace_hopper.jpg")
WINDOWS = ((1280, "light"), (1280, "dark"), (390, "light"), (390, "dark"))


def check(browser: Browser, address: str, axe: str, *, width: int, theme: Any) -> dict[str, Any]:
    """What axe finds on a page in a window."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=theme,
        offline=address.startswith("file:"),
        bypass_csp=True,
    )
    context.set_default_timeout(120_000)  # a busy machine may take half a minute
    opened = context.new_page()
    opened.goto(address)
    if opened.locator("#files").count():
        opened.locator("#files").set_input_files(PHOTO)
        expect(opened.locator("li.result")).to_be_visible(timeout=120_000)
    opened.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")
    opened.evaluate(axe)
    found = opened.evaluate("axe.run()")
    context.close()
    return {
        "axe": found["testEngine"]["version"],
        "passed": len(found["passes"]),
        "violations": [
            {"rule": v["id"], "impact": v["impact"], "elements": len(v["nodes"])}
            for v in found["violations"]
        ],
        "undecided": [v["id"] for v in found["incomplete"]],
    }


def main() -> None:
    """Check every page in every window."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--axe", type=Path, required=True, help="axe.min.js of the package axe-core"
    )
    axe = parser.parse_args().axe.read_text("utf-8")
    checks: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        place = Path(folder)
        written = reported_pages(place) | command_pages(place) | site_pages(place / "site")
        with served_pages(place) as served:
            for name, page in (written | served).items():
                for width, theme in WINDOWS:
                    found = check(browser, page, axe, width=width, theme=theme)
                    checks.append({"page": name, "width": width, "theme": theme, **found})
        version = browser.version
    serious = sum(
        violation["elements"]
        for found in checks
        for violation in found["violations"]
        if violation["impact"] in {"serious", "critical"}
    )
    write_result(
        "report_accessibility",
        {"chromium": version, "serious_findings": serious, "checks": checks},
    )


if __name__ == "__main__":
    main()
