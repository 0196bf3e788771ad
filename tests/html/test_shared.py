"""Pages are shared: they name no folder of the machine that they were made on."""

from __future__ import annotations

from pathlib import Path

import pytest
from markupsafe import Markup

from made_runs import make_run
from thriftnet.html.shared import without_folders
from thriftnet.report.build import write_report


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("/users/anna/work/runs/mine", "runs/mine"),
        ("thriftnet report '/users/anna/my runs/mine'", "thriftnet report '~/my runs/mine'"),
        ("/data/sets/photos is not there, nor /data/sets/more", "photos is not there, nor more"),
        ("--data=/data/sets/photos", "--data=photos"),
        ("/srv/data/sets/photos", "/srv/data/sets/photos"),
        ("base64,iVBO/users/anna/work/x", "base64,iVBO/users/anna/work/x"),
        (Path("/data/sets/photos/cat/1.jpg"), "photos/cat/1.jpg"),
        (Markup("<svg>/users/anna/work/x</svg>"), "<svg>/users/anna/work/x</svg>"),
        (7, 7),
    ],
)
def test_folders_are_left_out_of_paths(
    given: object, shown: object, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Path, "home", lambda: Path("/users/anna"))
    monkeypatch.setattr(Path, "cwd", lambda: Path("/users/anna/work"))
    assert without_folders([Path("/data/sets")])(given) == shown


def test_the_root_is_no_folder(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Path, "home", lambda: Path("/"))
    monkeypatch.setattr(Path, "cwd", lambda: Path("/"))
    assert without_folders()("/data/sets/photos") == "/data/sets/photos"


@pytest.mark.usefixtures("svg_alone")
def test_a_report_names_no_folder_of_its_machine(tmp_path: Path):
    """Not that of the pictures, of the run, of the decisions or of the program."""
    place = tmp_path / "anna" / "secret"
    changes = [f"data.dataset={place}/photos", f"data.decisions={place}/audit/decisions.csv"]
    started = {"command": [f"{place}/bin/thriftnet", "train", "--data", f"{place}/photos"]}
    runs = [
        make_run(place / "runs" / f"mine-{seed}", seed=seed, overrides=changes, environment=started)
        for seed in (0, 1)
    ]
    for several in (runs[:1], runs):
        found = write_report([run.path for run in several], output=tmp_path / f"out{len(several)}")
        page = found.page.read_text("utf-8")
        assert str(tmp_path) not in page
        assert "secret" not in page
        assert "thriftnet report runs/mine-0" in page
    single = (tmp_path / "out1" / "report.html").read_text("utf-8")
    assert "thriftnet train --data photos" in single
    assert "decisions.csv" in single
