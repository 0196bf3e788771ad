"""Write the figures of results/ into the documents that quote them.

    python benchmarks/render_documents.py

A document holds `<!-- begin NAME -->` and `<!-- end NAME -->`; what stands between is replaced
by the block of that name below. Nobody types a figure; a test fails when a document and its
results disagree. The cards of shipped weights are written whole.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from documents.accuracy_blocks import ACCURACY_BLOCKS
from documents.accuracy_table import ACCURACY_TABLE, shipped_runs
from documents.data_blocks import DATA_BLOCKS
from documents.export_blocks import EXPORT_BLOCKS
from documents.journey_blocks import JOURNEY_BLOCKS
from documents.model_cards import page, weights_block
from documents.own_blocks import OWN_BLOCKS, OWN_RESULTS, shortened
from documents.page_blocks import PAGE_BLOCKS
from documents.performance_blocks import PERFORMANCE_BLOCKS
from documents.quoting import ROOT, render, result, text_of
from documents.report_blocks import REPORT_BLOCKS
from documents.robust_blocks import ROBUST_BLOCKS, resemblance_block
from documents.search_blocks import SEARCH_BLOCKS, TRANSCRIPTS, transcript
from documents.service_blocks import SERVICE_BLOCKS
from documents.step_blocks import STEP_BLOCKS
from documents.trust_blocks import TRUST_BLOCKS
from reproductions.dreamfire2025.judge import judge_all
from reproductions.dreamfire2025.results import read_results
from thriftnet.recipe import Recipe, load_recipe
from thriftnet.search.space import Space
from thriftnet.table import make_table
from thriftnet.weights.card import card_page
from thriftnet.weights.shipped import FOLDER, shipped_weights, weights_file

DOCUMENTS = (
    "README.md",
    "docs/recipe.md",
    "docs/export.md",
    "docs/your-pictures.md",
    "docs/journeys.md",
    "docs/performance.md",
    "docs/accuracy.md",
    "docs/reports.md",
    "docs/trust.md",
    "docs/searching.md",
    "docs/data.md",
    "docs/serve.md",
    "docs/page.md",
    "docs/decisions/0023-rules-for-own-pictures.md",
)

MEASURED = {
    **ACCURACY_TABLE,
    **ACCURACY_BLOCKS,
    **PERFORMANCE_BLOCKS,
    **STEP_BLOCKS,
    **SEARCH_BLOCKS,
    **EXPORT_BLOCKS,
    **DATA_BLOCKS,
    **SERVICE_BLOCKS,
    **TRUST_BLOCKS,
    **ROBUST_BLOCKS,
    **REPORT_BLOCKS,
    **PAGE_BLOCKS,
    **OWN_RESULTS,
}


def transcript_block(name: str) -> str:
    """What a command printed, from results/NAME.txt."""
    text = (ROOT / "results" / f"{name}.txt").read_text("utf-8").rstrip()
    return f"```\n{shortened(text)}\n```"


def fresh_clone_block() -> str:
    """How long a stranger waits."""
    train, trained = result("fresh_clone_train"), result("accuracy") or {"runs": []}
    assert train is not None
    today = shipped_runs(trained, load_recipe("quick"))
    own = any(run["commit"] == train["commit"] for run in today)
    test, again = result("fresh_clone_test"), result("repeated_tests")
    return render("fresh-clone.md.j2", train=train, test=test, again=again, own=own)


def parity_block() -> str:
    """How far our loop is from a plain one."""
    figures = result("paper_parity")
    assert figures is not None
    return render("parity.md.j2", figures=figures, **figures)


def paper_claims_block() -> str:
    """What became of each claim of the paper."""
    judged = judge_all(read_results(ROOT / "results")).values()
    rows = [(one.claim.name, one.paper, one.here, one.words) for one in judged]
    return make_table(("claim", "the paper", "here", "verdict"), rows).markdown()


def recipe_keys_block() -> str:
    """Every recipe key with its default and meaning, read off the recipe's own types."""
    return _keys_block(Recipe)


def _keys_block(model: type[BaseModel]) -> str:
    rows = [_key_row(name, field) for name, field in model.model_fields.items() if _plain(field)]
    for section, field in model.model_fields.items():
        for kind in _sections(field):
            family = "" if kind in (field.annotation,) else f" ({_family(kind)})"
            rows += [
                _key_row(f"{section}.{name}", entry, family)
                for name, entry in kind.model_fields.items()
            ]
    return make_table(("key", "default", "meaning"), rows).markdown()


def _sections(field: FieldInfo) -> list[type[BaseModel]]:
    options = get_args(field.annotation) or (field.annotation,)
    return [o for o in options if isinstance(o, type) and issubclass(o, BaseModel)]


def _plain(field: FieldInfo) -> bool:
    return not _sections(field)


def _family(kind: type[BaseModel]) -> str:
    return str(get_args(kind.model_fields["family"].annotation)[0])


def _key_row(key: str, field: FieldInfo, family: str = "") -> tuple[str, str, str]:
    default = "required" if key != "name" else "the file's own"
    if not field.is_required():
        default = f"`{_yaml(field.get_default(call_default_factory=True))}`"
    choices = [c for c in get_args(field.annotation) if isinstance(c, str)]
    meaning = " ".join((field.description or "").split())
    if choices:
        meaning = f"One of {', '.join(choices)}. {meaning}".strip()
    return f"`{key}`{family}", default, meaning


def _yaml(value: object) -> str:
    return json.dumps(value) if not isinstance(value, str) else value or '""'


BLOCKS: dict[str, Callable[[], str]] = {
    "weights": weights_block,
    "make-train": lambda: transcript_block("make_train"),
    "make-test": lambda: transcript_block("make_test"),
    "fresh-clone": fresh_clone_block,
    "parity": parity_block,
    "paper-claims": paper_claims_block,
    "recipe-keys": recipe_keys_block,
    "resemblance": resemblance_block,
    "space-keys": lambda: _keys_block(Space),
    **OWN_BLOCKS,
    **JOURNEY_BLOCKS,
    **{name: partial(transcript, *told) for name, told in TRANSCRIPTS.items()},
    **{name: partial(text_of, name, block) for name, block in MEASURED.items()},
}


def rendered(text: str) -> str:
    """A document with every block made anew."""

    def block(match: re.Match[str]) -> str:
        name = match.group(1)
        return f"<!-- begin {name} -->\n{BLOCKS[name]()}\n<!-- end {name} -->"

    return re.sub(r"<!-- begin ([\w-]+) -->.*?<!-- end \1 -->", block, text, flags=re.DOTALL)


def render_cards(folder: Path = FOLDER) -> dict[Path, str]:
    """The page of each network that is shipped."""
    names = shipped_weights(folder)
    return {card_page(name, folder): page(weights_file(name, folder)) for name in names}


def main() -> None:
    """Render every document and card; with --check, only say whether they are up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if stale")
    check, stale = parser.parse_args().check, False
    texts = {ROOT / name: rendered((ROOT / name).read_text("utf-8")) for name in DOCUMENTS}
    for path, new in {**texts, **render_cards()}.items():
        stale = stale or not path.is_file() or path.read_text("utf-8") != new
        if not check:
            path.write_text(new, "utf-8")
    if check and stale:
        sys.exit("documents and results disagree; run: python benchmarks/render_documents.py")


if __name__ == "__main__":
    main()
