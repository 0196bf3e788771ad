"""What docs/python.md shows of a predictor, as it is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import thriftnet
from documented import ROOT, fences
from own_pictures import picture


def test_the_page_about_a_predictor_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = fences((ROOT / "docs" / "python.md").read_text("utf-8"), "python")
    beginning, module, stream, _ = page
    monkeypatch.chdir(tmp_path)
    model = thriftnet.load_model("quick", tta="none")
    names: dict[str, Any] = {"Path": Path, "model": model}
    exec(f"{beginning}\n{module}", names)
    assert names["logits"].shape == (8, 10)
    Path("archive").mkdir()
    picture("cat", 1).save("archive/cat.jpg")
    Path("archive/none.jpg").write_text("no picture")
    exec(stream, names)
    said = capsys.readouterr().out.splitlines()
    assert f"archive/cat.jpg {model.predict('archive/cat.jpg')[0].label}" in said
    assert any(line.startswith("archive/none.jpg archive/none.jpg cannot be read") for line in said)
