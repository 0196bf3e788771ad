"""Users read the field's own terms: what these replaced is in no text that they see."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
REPLACED = re.compile(
    r"each image once|winner less|less the runner|stands? twice|no job to have|goes wherever"
    r"|beside (base|eager)|no difference can be shown|does not keep this|taken for (dog|a|one|what)"
    r"|names? pictures|named? rightly|called so|hindrance|(are|were|was|images) read once"
    r"|reading (the |test |one )*images|weights were halved|passes over memory"
    r"|training goes on|quarter of a minute|every seed ahead|an? line (each|an)\b|passed over"
    r"|go(es)? on (with|if|behind|where)|to go on\b|(never|not) begun"
    r"|failure of ours|come again|somebody's own|says something else|what to mind|known here"
    r"|(MACs|images|pictures|values|bits|steps|seeds?|jobs|one|entry) an? (image|second|channel"
    r"|class|seed|severity|epoch|kind|batch|step|run|worker|trial|stage)\b"
    r"|\bmend\b|network knows|knows? different|made pictures|keeps (no|damaged) "
    r"|what there was is|keeps what|what was finished\b|(is|are) tried in|networks? that judge"
    r"|for telephones|a line says so|in one sitting|only ever shrunk|(run|function)s? of yours"
    r"|suspicion says|with so many wrong|is none of the|stays as it is"
    r"|(names?|named|naming) (rightly|wrongly)|(read|reads|reading) the (test )?images\b"
    r"|(be|is|are|was|were|not) shown to differ|(dealt|deals) out|goes in a circle|put right\b"
    r"|(stands?|standing) (in|on|beside) (its|the|one|`)|(not|never) taken for|(tell|told) apart"
    r"|chose nothing|choose nothing|has the same habits|takes? fewer passes|telephones?\b",
    re.IGNORECASE,
)
RECORDED = re.compile(r"<!-- begin (make-train|make-test) -->.*?<!-- end", re.DOTALL)
"""Transcripts are what a command of their commit printed."""


def strings(path: Path) -> Iterator[str]:
    """What a module can print: its texts, and for commands their docstrings, which are the help."""
    tree = ast.parse(path.read_text("utf-8"))
    statements = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        printed = id(node) not in statements or path.parent.name == "cli"
        if printed and isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def texts() -> Iterator[tuple[str, str]]:
    package = ROOT / "src" / "thriftnet"
    for folder in (package, ROOT / "reproductions"):
        for path in sorted(folder.rglob("*.py")):
            for text in strings(path):
                yield str(path), text
        for ending in ("*.j2", "*.js", "*.md", "*.yaml"):
            for path in sorted(folder.rglob(ending)):
                yield str(path), path.read_text("utf-8")
    pages = [*ROOT.glob("*.md"), ROOT / "Makefile", *(ROOT / "docs").rglob("*.md")]
    pages += (ROOT / "benchmarks" / "documents" / "templates").glob("*.j2")
    pages += (ROOT / "docs" / "figures").glob("*.svg")
    for path in sorted(pages):
        yield str(path), RECORDED.sub("", path.read_text("utf-8"))
    for path in sorted((ROOT / "benchmarks").rglob("*.py")):
        for text in strings(path):
            yield str(path), text


def test_no_text_for_users_has_a_word_that_was_replaced() -> None:
    found = {(where, hit[0]) for where, text in texts() for hit in REPLACED.finditer(text)}
    assert found == set()
