"""One clear line for each way a recipe can be wrong, and the dotted overrides."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from thriftnet.errors import RecipeError
from thriftnet.recipe.yaml_bounds import refuse_bombs

_LONGEST_KEY = 100


class _Loader(yaml.SafeLoader):
    """Plain values only, and a key that stands twice is a mistake: PyYAML would keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = Counter(str(key.value) for key, _ in node.value)
        for key, count in keys.items():
            if count > 1:
                raise ValueError(f"the key {key!r} stands twice; keep one")
        return super().construct_mapping(node, deep=deep)


def read_yaml(text: str) -> object:
    """Read YAML.

    Raises:
        ValueError: It is not YAML, or stands for too much; the message says where, in one line.
    """
    try:
        refuse_bombs(text)
        return yaml.load(text, Loader=_Loader)
    # Besides its own errors, PyYAML lets nearly any other out: `2026-13-01`, `0x_`, `!!bool a`.
    except Exception as fault:
        raise ValueError(" ".join(str(fault).split())[:200]) from None


def parse_override(text: str) -> tuple[str, Any]:
    """Split `key=value`; the value is read as YAML, so lists and numbers are themselves.

    Raises:
        RecipeError: No `=`, or a value that is not YAML.
    """
    key, separator, value = text.partition("=")
    if not separator or not all(part.strip() for part in key.split(".")):
        raise RecipeError(f"override {_shown(text)} is not KEY=VALUE, such as optim.lr=0.02")
    try:
        return key.strip(), read_yaml(value)
    except ValueError:
        raise RecipeError(f"the value in {_shown(text)} is not valid YAML; quote it") from None


def merge_override(tree: dict[str, Any], key: str, value: object) -> None:
    """Set a dotted key in a plain tree, making sections on the way; changes `tree`.

    Raises:
        RecipeError: The key goes through something that is not a section.
    """
    *sections, last = key.split(".")
    for section in sections:
        child = tree.setdefault(section, {})
        if not isinstance(child, dict):
            raise RecipeError(f"{key} cannot be set: {section} is a value, not a section")
        tree = child
    tree[last] = value


def refuse_truth(root: type[BaseModel], tree: Mapping[str, Any]) -> None:
    """See that no number is given as true or false.

    YAML reads `yes` and `on` as true, which would count as 1.

    Raises:
        ValueError: One is; the message names it.
    """
    for key, field in _keys(root, tree):
        value: Any = tree
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        true_or_false = any(isinstance(entry, bool) for entry in _entries(value))
        if true_or_false and _holds_numbers(field.annotation):
            raise ValueError(f"{key}={_shown(value)} is wrong: give a number, not true or false")


def _entries(value: object) -> list[object]:
    """A value, or what a list holds and the lists in it; no deeper, as YAML may tie knots."""
    outer = cast("list[object]", value) if isinstance(value, list) else [value]
    inner = (cast("list[object]", e) if isinstance(e, list) else [e] for e in outer)
    return [entry for entries in inner for entry in entries]


def _holds_numbers(annotation: Any) -> bool:
    if get_origin(annotation) in {Annotated, Union, UnionType, tuple}:
        return any(_holds_numbers(part) for part in get_args(annotation))
    return annotation in (int, float)


def explain(error: ValidationError, root: type[BaseModel], tree: Mapping[str, Any]) -> str:
    """The first thing wrong, in one line that names the key and the nearest right one."""
    first = error.errors(include_url=False)[0]
    branches = {name for name, *_ in _families(root)}
    path = [str(part) for part in first["loc"]]
    if path[:1] == ["model"] and path[1:2] and path[1] in branches:
        del path[1]  # the family, which pydantic adds to the keys that the user wrote
    key = ".".join(path)
    kind, given = first["type"], first.get("input")
    if kind == "extra_forbidden":
        if isinstance(given, Mapping) and given:  # a section of unknown name: speak of a key in it
            key = f"{key}.{next(iter(cast('Mapping[str, Any]', given)))}"
        return _unknown_key(key, root, tree)
    if kind == "missing":
        return f"{key} is missing; give it a value"
    if kind == "union_tag_invalid":
        choices = sorted(branches)
        family = dict(given).get("family") if isinstance(given, Mapping) else given
        return _wrong_choice(f"{key}.family", family, choices)
    if kind == "union_tag_not_found":
        return f"{key}.family is missing; set it to one of {', '.join(sorted(branches))}"
    if kind == "literal_error":
        field = _field(root, path, tree)
        return _wrong_choice(key, given, _choices(field))
    if kind == "value_error":
        return str(first.get("ctx", {}).get("error", first["msg"]))
    if kind in {"model_type", "model_attributes_type"}:
        return f"{key} is a section, not the value {_shown(given)}; set a key of it, as {key}.KEY"
    if kind == "tuple_type":
        return f"{key}={_shown(given)} is wrong: it must be a list, such as {key}=[1,2,3]"
    if kind == "string_pattern_mismatch":
        return (
            f"{key}={_shown(given)} is wrong: use letters, digits, dots, dashes and underscores, "
            "a letter or digit first"
        )
    reason = first["msg"][0].lower() + first["msg"][1:]
    return f"{key}={_shown(given)} is wrong: {reason}"


def _shown(given: object) -> str:
    try:
        text = repr(given)
    except ValueError:  # an integer of thousands of digits
        text = "that number"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _wrong_choice(key: str, given: object, choices: list[str]) -> str:
    given_text = _shown(given)
    near = difflib.get_close_matches(given_text.strip("'"), choices, n=1, cutoff=0.4)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"{key}={given_text} is not one of {', '.join(choices)}{hint}"


def _unknown_key(key: str, root: type[BaseModel], tree: Mapping[str, Any]) -> str:
    key = key[:_LONGEST_KEY]  # it is compared with every key there is
    known = sorted({name for name, _ in _keys(root, tree=None)})
    here = sorted({name for name, _ in _keys(root, tree=tree)})
    if key in known:
        model = tree.get("model")
        family = model.get("family", "resnet") if isinstance(model, Mapping) else "resnet"
        return f"{key} does not belong to model.family={family}; remove it or change the family"
    same_leaf = [name for name in here if name.rsplit(".", 1)[-1] == key.rsplit(".", 1)[-1]]
    near = difflib.get_close_matches(key, same_leaf or here, n=1, cutoff=0.0)
    return f"{key} is not a {root.__name__.lower()} key; did you mean {near[0]}?"


def _families(root: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    model = root.model_fields.get("model")
    for section in get_args(model.annotation) if model else ():
        yield section.model_fields["family"].annotation.__args__[0], section


def _keys(
    root: type[BaseModel], tree: Mapping[str, Any] | None, prefix: str = ""
) -> Iterator[tuple[str, FieldInfo]]:
    """Every dotted key with its field; with a tree, only those of the families it chose."""
    for name, field in root.model_fields.items():
        key = f"{prefix}{name}"
        sections = _sections(field, tree.get(name) if tree is not None else None)
        if not sections:
            yield key, field
        for section in sections:
            yield from _keys(section, None, f"{key}.")


def _sections(field: FieldInfo, chosen: object) -> list[type[BaseModel]]:
    annotation = field.annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    options = [a for a in get_args(annotation) if isinstance(a, type) and issubclass(a, BaseModel)]
    if isinstance(chosen, Mapping):
        family = chosen.get("family", "resnet")
        options = [o for o in options if family in get_args(o.model_fields["family"].annotation)]
    return options


def _field(root: type[BaseModel], path: list[str], tree: Mapping[str, Any]) -> FieldInfo:
    return dict(_keys(root, tree))[".".join(path)]


def _choices(field: FieldInfo) -> list[str]:
    return [str(choice) for choice in get_args(field.annotation)]
