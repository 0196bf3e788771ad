"""A screenshot of a run's report for the README."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from playwright.sync_api import ViewportSize

from support.browser import chromium

SIZE: ViewportSize = {"width": 1280, "height": 860}


def draw(run: Path, to: Path) -> None:
    """Write the report of a run and its screenshot, 1,280 pixels wide.

    Args:
        run: A finished run.
        to: The PNG file.
    """
    report = [sys.executable, "-m", "thriftnet", "report", run]
    subprocess.run(report, check=True, stdout=subprocess.DEVNULL)
    with chromium() as browser:
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto((run / "report.html").resolve().as_uri())
        page.screenshot(path=to)
