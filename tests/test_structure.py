"""The package's shape: who imports whom, how long files are, what importing costs."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import thriftnet

ROOT = Path(__file__).parent.parent / "src" / "thriftnet"
FILES = sorted(ROOT.rglob("*.py"))

# A module imports from its own layer and those before it only.
LAYERS = [
    {"errors", "files"},
    {"recipe", "recipe_sections", "recipe_errors"},
    {"data"},
    {"augment"},
    {"kernels"},
    {"models"},
    {"optim"},
    {"training"},
    {"weights"},
    {"evaluation"},
    {"search"},
    {"report"},
    {"tracking"},
    {"deploy"},
    {"bench"},
    {"api", "console", "terminal", "cli", "__main__"},
]
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
FORBIDDEN = {"torchvision", "timm", "lightning", "pytorch_lightning"}


def layer_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Every module imported anywhere in a file, inside functions and for types too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(path: Path) -> set[str]:
    parts = [name.split(".") for name in imports(path)]
    return {name[1] for name in parts if name[0] == "thriftnet" and name[1:]} & RANK.keys()


def names(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_every_module_has_a_layer():
    known = RANK.keys() | {"__init__"}
    assert {layer_of(path) for path in FILES} <= known


@pytest.mark.parametrize(
    "path", [f for f in FILES if f.parent != ROOT or f.stem != "__init__"], ids=names
)
def test_no_module_imports_from_a_later_layer(path: Path):
    own = layer_of(path)
    assert {name for name in own_imports(path) if RANK[name] > RANK[own]} == set()
    peers = LAYERS[RANK[own]] if RANK[own] in (0, 1, RANK["api"]) else {own}
    assert {name for name in own_imports(path) if RANK[name] == RANK[own]} <= peers


@pytest.mark.parametrize("path", FILES, ids=names)
def test_outside_packages_are_imported_where_they_belong(path: Path):
    outside = {name.split(".")[0] for name in imports(path)}
    assert outside & FORBIDDEN == set()
    if layer_of(path) != "data":  # the only folder that knows the network and archives
        served = {"http"} if names(path) == "report/server.py" else set[str]()
        network = {"urllib", "http", "socket", "ssl", "tarfile", "zipfile"}
        assert outside & network <= served
    if layer_of(path) in {"data", "augment", "kernels", "models", "optim"}:
        assert "recipe" not in own_imports(path)
    if layer_of(path) in LAYERS[1]:
        assert own_imports(path) <= {"errors", "recipe_sections", "recipe_errors"}
        assert "torch" not in outside
    if layer_of(path) not in {"cli"}:
        assert "typer" not in outside
    if layer_of(path) != "search":
        assert outside & {"sqlalchemy", "optuna"} == set()
    if names(path) != "search/ray_driver.py":
        assert "ray" not in outside
    if layer_of(path) != "tracking":
        assert outside & {"tensorboard", "mlflow"} == set()
    if layer_of(path) != "report":
        assert outside & {"matplotlib", "jinja2", "markupsafe"} == set()


def test_only_the_run_folder_knows_its_files():
    layout = (
        "metrics.jsonl",
        "last.pt",
        "environment.json",
        "model.safetensors",
        "predictions.npz",
    )
    for path in FILES:
        constants = {
            node.value
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        assert not constants & set(layout) or names(path) == "training/run.py", path


@pytest.mark.parametrize("path", FILES, ids=names)
def test_no_module_is_too_long(path: Path):
    assert len(path.read_text("utf-8").splitlines()) <= 350


def run(code: str, *, before: Path | None = None) -> str:
    """Run code in a process that finds this package, whichever checkout is installed."""
    places = [str(place) for place in (before, ROOT.parent) if place]
    environment = {"PYTHONPATH": os.pathsep.join(places), "OMP_NUM_THREADS": "1", "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
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
        "from thriftnet.weights.find import shipped_weights; shipped_weights()",
    ],
)
def test_what_needs_no_torch_does_not_wait_for_it(code: str):
    said = run(f"{code}; import sys; print('torch' in sys.modules)")
    assert said.splitlines()[-1] == "False"


def test_everything_works_beside_a_broken_torchvision(tmp_path: Path):
    broken = tmp_path / "torchvision"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise RuntimeError('operator nms does not exist')\n")
    code = (
        "import sys, torch, thriftnet.cli, thriftnet.api, thriftnet.console\n"
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
    assert Path(said).parent == Path(thriftnet.__file__).parent == ROOT


def test_public_names_are_all_there():
    assert {name for name in thriftnet.__all__ if not hasattr(thriftnet, name)} == set()
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        thriftnet.trian  # noqa: B018 # pyright: ignore
