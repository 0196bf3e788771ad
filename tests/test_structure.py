"""The package's shape: who imports whom, how long files are, what importing costs."""

import ast
import os
import re
import statistics
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

import thriftnet
from waits import PATIENCE_SECONDS

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "thriftnet"
FILES = sorted(PACKAGE.rglob("*.py"))
OUTSIDE = ("benchmarks", "reproductions")
IMPORT = re.compile(r"^ *from [a-z]\S* import (\([^)]*\)|.*)", re.MULTILINE)

# Data flows one way: a folder imports from itself and from those before it only.
LAYERS = [
    "cells commands digests elsewhere errors extras files home hosts html names phases plain "
    "screen table trust wrapping writable",
    "recipe",
    "runtime",
    "data",
    "augment",
    "kernels",
    "models",
    "optim",
    "runs",
    "weights",
    "inference",
    "training",
    "evaluation",
    "comparison",
    "search",
    "report",
    "audit",
    "explain",
    "tracking",
    "export",
    "hub",
    "serve",
    "bench",
    "api terminal cli __init__ __main__",
]
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer.split()}

# Which folders or files may import an outside package, or a folder of this one, at all.
ONLY_IN = {
    "typer": {"cli"},
    "sqlalchemy": {"search"},
    "optuna": {"search"},
    "ray": {"search/workers/ray_driver.py"},
    "tensorboard": {"tracking"},
    "mlflow": {"tracking"},
    "wandb": {"tracking"},
    "transformers": {"hub"},
    "matplotlib": {"report"},
    "cleanlab": {"audit"},
    "jinja2": {"html"},
    "markupsafe": {"html"},
    "fastapi": {"serve"},
    "starlette": {"serve"},
    "uvicorn": {"serve"},
    "python_multipart": {"serve"},
    "prometheus_client": {"serve"},
    "pyarrow": {"data", "inference/parquet.py"},
    "urllib": {"data", "serve"},
    "http": {"data", "report/server.py", "serve"},
    "socket": {"data", "report/server.py", "serve/server.py"},
    "ssl": {"data"},
    "tarfile": {"data"},
    "zipfile": {
        "data",
        "digests.py",
        "export/litert.py",
        "models/foreign.py",
        "runs/checkpoints/scan.py",
    },
    "torchvision": set[str](),
    "timm": set[str](),
    "lightning": set[str](),
    "reproductions": set[str](),
}
# Builders hand plain arguments down, so that these never see a recipe.
WITHOUT_RECIPE = {"runtime", "data", "augment", "kernels", "models", "optim"}
WITHOUT_TORCH = {
    "digests",
    "errors",
    "files",
    "home",
    "plain",
    "table",
    "trust",
    "writable",
    "recipe",
}


def name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def folder(path: Path) -> str:
    return name(path).split("/")[0].removesuffix(".py")


@cache
def imports(path: Path) -> frozenset[str]:
    """Every module imported anywhere in a file, inside functions and for types too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(found)


def own(path: Path) -> set[str]:
    parts = [module.split(".") for module in imports(path)]
    return {part[1] for part in parts if part[0] == "thriftnet" and part[1:]} & RANK.keys()


def outside(path: Path) -> set[str]:
    return {module.split(".")[0] for module in imports(path)}


def test_imports_run_one_way():
    assert {folder(path) for path in FILES} <= RANK.keys()
    upward = {
        (name(path), other)
        for path in FILES
        for other in own(path)
        if folder(path) != "__init__" and RANK[other] > RANK[folder(path)]
    }
    assert upward == set()


def test_folders_in_search_import_each_other_one_way():
    """Stages say what runs next and know nothing of the queue; the queue nothing of workers."""
    inside = {
        part: sorted((PACKAGE / "search" / part).glob("*.py")) for part in ("queue", "stages")
    }
    for part, forbidden in (("queue", ("stages", "workers")), ("stages", ("workers",))):
        for path in inside[part]:
            for other in forbidden:
                assert not any(m.startswith(f"thriftnet.search.{other}") for m in imports(path)), (
                    path
                )


def test_outside_packages_are_imported_where_they_belong():
    misplaced = {
        (name(path), package)
        for path in FILES
        for package in outside(path) & ONLY_IN.keys()
        if not {folder(path), name(path)} & ONLY_IN[package]
    }
    assert misplaced == set()
    assert {name(p) for p in FILES if folder(p) in WITHOUT_RECIPE and "recipe" in own(p)} == set()
    assert {name(p) for p in FILES if folder(p) in WITHOUT_TORCH and "torch" in outside(p)} == set()


def test_only_the_run_folder_knows_its_files():
    layout = {
        "metrics.jsonl",
        "last.pt",
        "environment.json",
        "model.safetensors",
        "predictions.npz",
    }
    knowing = {"runs/folder.py", "runs/checkpoints/files.py", "models/hub_folder.py"}
    for path in FILES:
        constants = {
            node.value
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        assert not constants & layout or name(path) in knowing, path


def lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def test_rooms_are_small():
    everywhere = [*FILES, *(ROOT / "tests").rglob("*.py")]
    assert {path for path in everywhere if lines(path) > 300} == set()
    assert statistics.median(length for length in map(lines, FILES) if length > 20) <= 130
    packaged = [p for p in PACKAGE.rglob("*") if p.is_file() and p.suffix != ".pyc"]
    sources = [p for p in packaged if p.suffix in {".c", ".css", ".j2", ".js", ".yaml"}]
    long = {p for p in sources if lines(p) > 300}
    assert {p for p in long if "More than 300 lines, because" not in p.read_text("utf-8")} == set()
    places = Counter(path.parent for path in [*packaged, *(ROOT / "tests").rglob("*.py")])
    assert {place: count for place, count in places.items() if count > 20} == {}


def test_functions_fit_on_a_screen():
    """Their statements; a signature and a docstring are read apart."""
    long: set[str] = set()
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                if body and (node.end_lineno or 0) - body[0].lineno >= 60:
                    long.add(f"{name(path)} {node.name}")
    assert long == set()


def test_private_names_are_used_in_their_own_file():
    """The type checker does not report others."""
    files = [*FILES, *(each for place in OUTSIDE for each in (ROOT / place).rglob("*.py"))]
    astray: set[tuple[Path, str]] = set()
    for path in files:
        text = path.read_text("utf-8")
        imported = " ".join(found[1] for found in IMPORT.finditer(text))
        astray |= {(path, name) for name in re.findall(r"\b_[A-Za-z]\w*", imported)}
        private = re.findall(r"^(?:async def|def|class) (_[A-Za-z]\w*)", text, re.MULTILINE)
        astray |= {(path, name) for name in private if text.count(name) == 1}
    assert astray == set()


def run(code: str, *, before: Path | None = None) -> str:
    """Run code in a process that finds this package, whichever checkout is installed."""
    places = [str(place) for place in (before, PACKAGE.parent) if place]
    environment = {"PYTHONPATH": os.pathsep.join(places), "OMP_NUM_THREADS": "1", "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env=environment,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "code",
    [
        "import thriftnet; thriftnet.RunError",
        "from thriftnet.recipe import load_recipe; load_recipe('quick')",
        "from thriftnet.cli import app; app(['--help'], standalone_mode=False)",
        "from thriftnet.cli import app; app(['recipes'], standalone_mode=False)",
        "from thriftnet.weights.shipped import shipped_weights; shipped_weights()",
        "import thriftnet.runs.listing, thriftnet.runs.filters, thriftnet.runs.cleanup",
        "from thriftnet.cli import app; app(['report', 'nowhere'], standalone_mode=False)",
        "from thriftnet.cli import app; app(['export', 'quick', '--to', 'x'])",
    ],
)
def test_what_needs_no_torch_does_not_wait_for_it(code: str):
    names = "import contextlib, sys\nfrom thriftnet.errors import ThriftnetError"
    refused = f"{names}\nwith contextlib.suppress(ThriftnetError): {code}"
    said = run(f"{refused}\nprint('torch' in sys.modules)")
    assert said.splitlines()[-1] == "False"


def test_help_does_not_wait_for_the_schema_of_recipes():
    code = "from thriftnet.cli import app; app(['--help'], standalone_mode=False)"
    said = run(f"{code}; import sys; print('pydantic' in sys.modules)")
    assert said.splitlines()[-1] == "False"


def test_everything_works_beside_a_broken_torchvision(tmp_path: Path):
    broken = tmp_path / "torchvision"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise RuntimeError('operator nms does not exist')\n")
    code = (
        "import sys, torch, thriftnet.cli, thriftnet.api, thriftnet.terminal.results\n"
        "from thriftnet.models.build import build_model\n"
        "from thriftnet.optim.build import build_optimisers\n"
        "m = build_model(family='resnet', classes=2, blocks=[1], channels=[4])\n"
        "o = build_optimisers(m, name='muon', lr=0.1, bias_lr=0.1, head_lr=0.1)\n"
        "m(torch.rand(2, 3, 8, 8)).sum().backward()\n"
        "[each.step() for each in o]\n"
        "print(sys.path[1] if 'torchvision' not in sys.modules else 'imported')\n"
    )
    assert run(code, before=tmp_path).strip() == str(tmp_path)


def test_other_processes_find_the_package_under_test():
    said = run("import thriftnet; print(thriftnet.__file__)").strip()
    assert Path(said).parent == Path(thriftnet.__file__).parent == PACKAGE


def test_public_names_are_all_there():
    assert {each for each in thriftnet.__all__ if not hasattr(thriftnet, each)} == set()
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        thriftnet.trian  # noqa: B018
