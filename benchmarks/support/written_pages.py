"""Every kind of page that thriftnet writes or serves, of made-up content."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from report_speed import made_run
from reproductions.dreamfire2025.build import write_paper_report
from support.made_study import made_study
from support.record import RESULTS
from thriftnet.api import write_report
from thriftnet.audit.page import AuditCard, audit_page
from thriftnet.data.own.decisions import COLUMNS
from thriftnet.recipe import load_recipe
from thriftnet.report.server import LiveServer
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.lock import writing
from thriftnet.runs.new_run import create_run
from thriftnet.search.study import Study

_STATUS = {"epoch": 3, "epochs": 50, "share": 0.4, "loss": 0.9, "accuracy": 0.6,
           "learning_rate": 0.01, "images_per_second": 80.0, "seconds_left": 26_000.0}  # fmt: skip
"""Of a training in its third epoch."""


def reported_pages(folder: Path) -> dict[str, str]:
    """Reports of a whole run, of several of which something is missing, the paper and studies."""
    whole = made_run(folder / "paper-seed0").path
    runs = [whole]
    for recipe in ("paper", "paper-sgd"):
        runs += [_begun_run(folder / f"{recipe}{seed}", recipe, seed).path for seed in (1, 2)]
    pages = {
        "one run": write_report(whole).page,
        "several runs": write_report(runs).page,
        "the paper": write_paper_report(RESULTS, folder / "paper.html").page,
        **{name: write_report(study.path).page for name, study in _studies(folder).items()},
    }
    return {name: page.as_uri() for name, page in pages.items()}


def command_pages(folder: Path) -> dict[str, str]:
    """Pages that other commands write, of made-up pictures."""
    for number in range(24):
        kind = folder / "photos" / ("red", "blue")[number % 2]
        kind.mkdir(parents=True, exist_ok=True)
        shade = 100 + 5 * number
        colour = (shade, 20, 40) if kind.name == "red" else (20, 40, shade)
        Image.new("RGB", (64, 48), colour).save(kind / f"{number}.png")
    training = ["train", "smoke", "--data", "photos", "--name", "short", "--set", "train.epochs=1"]
    commands = {
        "train": [*training, "--set", "data.val_ratio=0"],
        "inspect": ["inspect", "photos", "-o", "inspect.html"],
        "explain": ["explain", "runs/short", "photos/red/0.png", "-o", "explain.html"],
        "a network's report": ["report", "best", "-o", "network"],
        "export --to page": ["export", "quick", "--to", "page", "-o", "export.html"],
    }
    for words in commands.values():
        subprocess.run([sys.executable, "-m", "thriftnet", *words], cwd=folder, check=True)
    pages = {
        name: folder / ("network/report.html" if name.endswith("report") else words[-1])
        for name, words in commands.items()
        if name != "train"
    }
    pages["audit"] = _audit_page(folder / "audit.html")
    return {name: page.as_uri() for name, page in pages.items()}


@contextmanager
def served_pages(folder: Path) -> Generator[dict[str, str]]:
    """The pages of `serve` and of `watch --port` while a training goes on; served in the block."""
    run = _begun_run(folder / "ongoing", "paper", 3)
    run.append({"kind": "start", "step": 0, "parameters": 4_918_602, "macs": 798_689_792,
                "train_images": 45_000, "val_images": 5_000, "steps": 17_600})  # fmt: skip
    run.save_status(_STATUS)
    words = [sys.executable, "-m", "thriftnet", "serve", "quick", "--port", "0"]
    with (
        writing(run),  # else it would count as interrupted after a minute
        LiveServer(run.path, port=0) as watched,
        subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as service,
    ):
        try:
            threading.Thread(target=watched.serve_forever, daemon=True).start()
            assert service.stdout
            found = re.search(r"http://\S+/", service.stdout.readline())
            assert found
            yield {"serve": found[0], "watch --port": watched.address}
        finally:
            watched.shutdown()
            service.terminate()


def site_pages(folder: Path) -> dict[str, str]:
    """The pages of `make site`, without its indexes."""
    words = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--quiet", "docs", str(folder)]
    subprocess.run(words, cwd=RESULTS.parent, check=True)
    found = (page.relative_to(folder) for page in sorted(folder.rglob("*.html")))
    return {
        f"site: {page.with_suffix('')}": (folder / page).as_uri()
        for page in found
        if page.parts[0] not in {"_static", "genindex.html", "py-modindex.html", "search.html"}
    }


def _begun_run(path: Path, recipe: str, seed: int) -> RunFolder:
    """A run with two epochs."""
    run = create_run(path, load_recipe(recipe, seed=seed), {})
    for epoch in (1, 2):
        run.append({"kind": "epoch", "epoch": epoch, "step": 352 * epoch,
                    "train_loss": 2.0 / epoch, "train_accuracy": 0.3 * epoch,
                    "seconds": 9.0 * epoch, "images_per_second": 80.0})  # fmt: skip
    return run


def _studies(folder: Path) -> dict[str, Study]:
    """A search that is done, and one in the middle of its grid."""
    done = made_study(folder / "done")
    half = made_study(folder / "half", until="grid", jobs=30)
    for study in (done, half):
        study.storage.close()
    return {"a study": done, "half a study": half}


def _audit_page(path: Path) -> Path:
    """Three pictures to review; an audit would train five networks first."""
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
    cards = [
        AuditCard(
            picture=f"cat/{at}.png", digest=f"32:{at:016x}", pixels=pixels[at], label="cat",
            suggested="dog", score=0.1, similarity=0.87, reasons=("label",),
        )
        for at in range(len(pixels))
    ]  # fmt: skip
    content = audit_page("photos", ("cat", "dog"), cards, columns=COLUMNS, file="decisions.csv")
    path.write_bytes(content)
    return path
