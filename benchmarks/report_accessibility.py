"""Does an accessibility checker find anything in a page that thriftnet writes, or in its site?

    npm pack axe-core && tar -xzf axe-core-*.tgz package/axe.min.js
    python benchmarks/report_accessibility.py --axe package/axe.min.js

Reports on the made-up run of report_speed.py, on four runs without an end, on the paper and on two
made-up studies, done and half-done, lets other commands write their pages, builds the site, opens
all of them in Chromium with the network off, light and dark, wide and narrow, unfolds what is
folded, and runs axe with all of its rules. Takes about ten minutes. Writes
results/report_accessibility.json.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser

from report_speed import made_run
from reproductions.dreamfire2025.build import write_paper_report
from support.browser import chromium
from support.made_study import made_study
from support.record import RESULTS, write_result
from thriftnet.api import write_report
from thriftnet.recipe import load_recipe
from thriftnet.runs.new_run import create_run
from thriftnet.search.study import Study

WINDOWS = ((1280, "light"), (1280, "dark"), (390, "light"), (390, "dark"))


def made_pages(folder: Path) -> dict[str, Path]:
    """Pages of a whole run, of several runs of which something is missing, and of the paper."""
    whole = made_run(folder / "paper-seed0").path
    runs = [whole]
    for recipe in ("paper", "paper-sgd"):
        for seed in (1, 2):
            run = create_run(folder / f"{recipe}{seed}", load_recipe(recipe, seed=seed), {})
            for epoch in (1, 2):
                run.append({"kind": "epoch", "epoch": epoch, "step": 352 * epoch,
                            "train_loss": 2.0 / epoch, "train_accuracy": 0.3 * epoch,
                            "seconds": 9.0 * epoch, "images_per_second": 80.0})  # fmt: skip
            runs.append(run.path)
    paper = write_paper_report(RESULTS, folder / "paper.html").page
    return {
        "one run": write_report(whole).page,
        "several runs": write_report(runs).page,
        "the paper": paper,
        **{name: write_report(study.path).page for name, study in made_studies(folder).items()},
    }


def written_pages(folder: Path) -> dict[str, Path]:
    """Pages that other commands write, of made-up pictures."""
    for number in range(24):
        kind = folder / "photos" / ("red", "blue")[number % 2]
        kind.mkdir(parents=True, exist_ok=True)
        shade = 100 + 5 * number
        colour = (shade, 20, 40) if kind.name == "red" else (20, 40, shade)
        Image.new("RGB", (64, 48), colour).save(kind / f"{number}.png")
    picture = "photos/red/0.png"
    commands = {
        "inspect": ["inspect", "photos", "-o", "inspect.html"],
        "explain": ["explain", "best", picture, "-o", "explain.html"],
        "a network's report": ["report", "best", "-o", "network"],
        "export --to page": ["export", "quick", "--to", "page", "-o", "export.html"],
    }
    for words in commands.values():
        subprocess.run([sys.executable, "-m", "thriftnet", *words], cwd=folder, check=True)
    return {
        name: folder / ("network/report.html" if name.endswith("report") else words[-1])
        for name, words in commands.items()
    }


def site_pages(folder: Path) -> dict[str, Path]:
    """The pages of `make site`, without its indexes."""
    words = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--quiet", "docs", str(folder)]
    subprocess.run(words, cwd=RESULTS.parent, check=True)
    found = (page.relative_to(folder) for page in sorted(folder.rglob("*.html")))
    return {
        f"site: {page.with_suffix('')}": folder / page
        for page in found
        if page.parts[0] not in {"_static", "genindex.html", "py-modindex.html", "search.html"}
    }


def made_studies(folder: Path) -> dict[str, Study]:
    """A search that is done, and one in the middle of its grid."""
    done = made_study(folder / "done")
    half = made_study(folder / "half", until="grid", jobs=30)
    for study in (done, half):
        study.storage.close()
    return {"a study": done, "half a study": half}


def check(browser: Browser, page: Path, axe: str, *, width: int, theme: Any) -> dict[str, Any]:
    """What axe finds on a page in a window."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=theme, offline=True, bypass_csp=True
    )
    opened = context.new_page()
    opened.goto(page.as_uri())
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
        pages = made_pages(place) | written_pages(place) | site_pages(place / "site")
        for name, page in pages.items():
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
