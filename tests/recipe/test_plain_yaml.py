"""YAML as a person reads it."""

from typing import Any, get_args

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from thriftnet.recipe import Recipe, load_recipe, shipped_recipes
from thriftnet.recipe.plain_yaml import (
    _TEXT_KEYS,
    AmbiguousValueError,
    read_yaml,
    write_yaml,
)
from thriftnet.recipe.section import Section


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10", 10), ("-3", -3), ("+5", 5), ("0", 0), ("0x1F", 31), ("50_000", 50_000),
        ("0.5", 0.5), (".5", 0.5), ("5.", 5.0), ("0.010", 0.01), ("-1.5e+3", -1500.0),
        ("1e-3", 0.001), ("1E5", 1e5), ("1.5e3", 1500.0), (".inf", float("inf")),
        ("true", True), ("False", False), ("null", None), ("~", None), ("", None),
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("NO", "NO"), ("y", "y"),
        ("2026-11-29", "2026-11-29"), ("2026-13-01", "2026-13-01"), ("None", "None"), ("=", "="),
        ("'010'", "010"), ('"1:30"', "1:30"), ("'1e3'", "1e3"), ("!!str 5", "5"),
        ("[1, 2e-3, no, {a: off}]", [1, 0.002, "no", {"a": "off"}]),
        ("{a: &x {b: 1}, c: {<<: *x, d: 2}}", {"a": {"b": 1}, "c": {"b": 1, "d": 2}}),
        ("\ufeffa: 1", {"a": 1}),
        ("yes: 1\n2026-01-01: 2", {"yes": 1, "2026-01-01": 2}),
    ],
)  # fmt: skip
def test_a_value_is_what_a_person_reads(text: str, value: object):
    found = read_yaml(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("010", "010 begins with a zero; write 8 or 10"),
        ("-010", "write -10 or -8"),
        ("007", "write 7"),
        ("08", "write 8"),
        ("0o10", "write 8"),
        ("0b11", "write 3"),
        ("0x1_F", "write 31"),
        ("1:30", "write 90 or '1:30'"),
        ("-1:30:00.5", "write -5400.5 or '-1:30:00.5'"),
        ("1_0", "write 10 or '1_0'"),
        ("1_000.5", "write 1000.5 or '1_000.5'"),
        ("a:\n- {b: [1, 010]}", "line 2: 010 begins with a zero"),
        ("010: 1", "begins with a zero"),
    ],
)
def test_what_versions_of_yaml_read_differently_is_refused(text: str, told: str):
    with pytest.raises(AmbiguousValueError) as caught:
        read_yaml(text)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\na: 2",
        "{b: {a: 1, a: 1}}",
        "!!int 010",
        "!!python/name:os.system x",
        "[1",
        "!!set {a}",
        "{<<: [{lr: 1}, {lr: 2}]}",
    ],
)
def test_what_is_no_plain_tree_is_refused(text: str):
    with pytest.raises(ValueError):  # noqa: PT011
        read_yaml(text)


def test_names_are_text_whatever_they_look_like():
    tree = read_yaml("name: 010\ndescription: no\noptim: {name: 1e3}\nseed: 3")
    assert tree == {"name": "010", "description": "no", "optim": {"name": "1e3"}, "seed": 3}
    assert read_yaml("2026-01-01", key="name") == "2026-01-01"
    assert read_yaml("010", key="optim.name") == "010"
    assert read_yaml("name:") == {"name": None}
    assert read_yaml("data: {dataset: 2024, group: no, image_column: 2, label_column: }") == {
        "data": {"dataset": "2024", "group": "no", "image_column": "2", "label_column": None}
    }
    assert read_yaml("1e9", key="init.weights") == "1e9"
    assert read_yaml("grid: {data.group: [010, a], data.fraction: [1]}") == {
        "grid": {"data.group": ["010", "a"], "data.fraction": [1]}
    }


def test_there_is_one_zero():
    assert str(read_yaml("[-0.0, -0, -1e-400]")) == "[0.0, 0, 0.0]"


def test_keys_that_are_text_are_those_of_recipes():
    texts = {
        name
        for section in (Recipe, *(field.annotation for field in Recipe.model_fields.values()))
        if isinstance(section, type) and issubclass(section, Section)
        for name, field in section.model_fields.items()
        if holds_text(field.annotation)
    }
    assert texts == _TEXT_KEYS


def holds_text(annotation: Any) -> bool:
    return annotation is str or any(map(holds_text, get_args(annotation)))


PLAIN = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**9), 10**9),
        st.floats(allow_nan=False),
        st.text(),
        st.from_regex(r"[-+]?[0-9_.:oxeE]{1,6}", fullmatch=True),
        st.sampled_from(["yes", "NO", "off", "~", "null", "<<", "=", "2026-01-01", "1e3", "0o10"]),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(PLAIN, st.sampled_from([False, None]))
def test_what_is_written_is_read(tree: Any, flow: bool | None):
    assert read_yaml(write_yaml({"key": tree}, flow=flow)) == {"key": tree}
    assert read_yaml(write_yaml({"key": tree}, flow=flow), own=True) == {"key": tree}


def test_files_of_earlier_versions_are_read_as_they_were_written():
    """Among a space's values, which have no type, text stood without quotes."""
    tree = {"grid": {"optim.lr": ["1e-3", "08", "0o7", "010", 0.5, 1e-8]}, "name": "1e3"}
    assert read_yaml(yaml.safe_dump(tree), own=True) == tree


@pytest.mark.parametrize("name", shipped_recipes())
def test_recipes_are_written_as_before(name: str):
    recipe = load_recipe(name)
    tree = recipe.model_dump(mode="json")
    assert recipe.to_yaml() == yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)
    assert read_yaml(recipe.to_yaml()) == tree
