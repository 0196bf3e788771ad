"""Model files of strangers: any metadata is one line, at once and in little memory."""

import json
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from thriftnet.errors import RecipeError, RunError
from thriftnet.models.build import build_model
from thriftnet.models.foreign import foreign_kind
from thriftnet.models.metadata import read_facts
from thriftnet.models.saved import read_model
from thriftnet.weights.card import card_of

GOOD: dict[str, Any] = {
    "format": "thriftnet-model-1",
    "architecture": {"family": "speednet", "blocks": [1], "channels": [8]},
    "classes": ["a", "b"],
    "mean": [0.5, 0.5, 0.5],
    "std": [0.2, 0.2, 0.2],
    "image_size": 16,
    "tta": "none",
    "about": {},
}
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
sizes = st.integers(-2, 2**70) | st.lists(st.integers(-1, 2**40), max_size=4) | anything
architectures = st.fixed_dictionaries(
    {"family": st.sampled_from(["resnet", "speednet", ""]), "blocks": sizes, "channels": sizes},
    optional={
        "activation": anything,
        "shortcut": anything,
        "squeeze_excitation": sizes,
        "stochastic_depth": sizes,
        "stem_channels": sizes,
        "stem_kernel": sizes,
        "classes": sizes,
        "seed": anything,
    },
)


def write(path: Path, text: str) -> Path:
    path.write_bytes(save({"w": np.zeros(1, np.float32)}, {"thriftnet": text}))
    return path


def refusal(path: Path) -> str:
    with pytest.raises(RunError) as caught:
        read_model(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@given(data=st.data())
@settings(max_examples=150)
def test_metadata_of_any_shape_is_one_line(data: st.DataObject, tmp_path: Path):
    key = data.draw(st.sampled_from([*GOOD, "other"]))
    value = data.draw(architectures if key == "architecture" else sizes)
    refusal(write(tmp_path / "m.safetensors", json.dumps(GOOD | {key: value})))


@given(value=anything)
@settings(max_examples=50)
def test_a_card_of_any_shape_is_one_line(value: Any, tmp_path: Path):
    path = write(tmp_path / "m.safetensors", json.dumps(GOOD | {"about": {"card": value}}))
    with pytest.raises(RunError, match="does not match this version"):
        card_of(read_facts(path).about)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "1", "nul", "[" * 100_000, "NaN", '{"format": "\\ud800"}', "{}" * 9, "9" * 10_000],
    ids=lambda text: text[:9],
)
def test_text_that_is_no_metadata(tmp_path: Path, text: str):
    assert "does not match this version" in refusal(write(tmp_path / "m.safetensors", text))


@pytest.mark.parametrize(
    ("facts", "part"),
    [
        ({"blocks": [100_000, 1, 1], "channels": [8, 8, 8]}, "100,002 blocks; use at most 1,000"),
        ({"blocks": [1], "channels": [2**40]}, "use at most 65,536"),
        ({"blocks": [10**30], "channels": [1]}, "use at most 1,000"),
        ({"blocks": [1], "channels": [40_000]}, "a layer has"),
        ({"blocks": [900], "channels": [1000]}, "expected"),
    ],
)
def test_a_network_that_would_fill_the_memory_is_never_made(
    tmp_path: Path, facts: dict[str, Any], part: str
):
    began = time.process_time()
    text = json.dumps(GOOD | {"architecture": {"family": "resnet", **facts}, "image_size": 32})
    assert part in refusal(write(tmp_path / "m.safetensors", text))
    assert time.process_time() - began < 30


def test_pictures_of_a_size_that_nobody_has(tmp_path: Path):
    text = json.dumps(GOOD | {"image_size": 100_000})
    assert "image_size: Input should be less" in refusal(write(tmp_path / "m.safetensors", text))


def test_a_long_header_is_not_read(tmp_path: Path):
    path = tmp_path / "m.safetensors"
    path.write_bytes((90_000_000).to_bytes(8, "little"))
    with path.open("r+b") as file:
        file.truncate(100_000_000)
    assert "its header is too long" in refusal(path)


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"blocks": [100_000, 1, 1], "channels": [8, 8, 8]}, "model.blocks asks for 100,002"),
        ({"blocks": [1], "channels": [10**6]}, "model.channels asks for 1,000,000"),
        ({"blocks": [500], "channels": [4096]}, "over max_parameters 1,073,741,824"),
    ],
)
def test_a_recipe_that_would_fill_the_memory_is_refused(options: dict[str, Any], part: str):
    with pytest.raises(RecipeError, match=part):
        build_model(family="resnet", classes=10, **options)


def test_a_header_whose_length_begins_as_a_pickle_is_no_pickle(tmp_path: Path):
    """A model file begins with its header's length, which may be 0x280."""
    for padding in range(1000):
        about = {"card": "x" * padding}
        path = write(tmp_path / "m.safetensors", json.dumps(GOOD | {"about": about}))
        if path.read_bytes().startswith(b"\x80\x02"):
            break
    else:
        pytest.fail("no header is that long")
    assert foreign_kind(path) is None
    read_facts(path)


def test_a_damaged_archive_in_place_of_a_model_is_told_from_one(tmp_path: Path):
    """Python's reader of archives raises half a dozen classes."""
    path = tmp_path / "m.safetensors"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"some")
    content = path.read_bytes()
    for at in range(4, len(content)):
        path.write_bytes(content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :])
        assert "not a thriftnet model" in (foreign_kind(path) or "not a thriftnet model")
