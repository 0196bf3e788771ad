"""Error messages for invalid recipes, in one line each."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from thriftnet.commands import command
from thriftnet.elsewhere.keys import key_meant

_LONGEST_KEY = 100


def refuse_truth(root: type[BaseModel], tree: Mapping[str, Any]) -> None:
    """Reject booleans given for numbers, which would count as 1 or 0.

    Raises:
        ValueError: Names the key.
    """
    for key, field in _keys(root, tree):
        value: Any = tree
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if not isinstance(value, (bool, list)):
            continue
        true_or_false = any(isinstance(entry, bool) for entry in _entries(value))
        if true_or_false and _holds_numbers(field.annotation):
            raise ValueError(f"{key}={shown(value)} is wrong: give a number, not true or false")


def _entries(value: object) -> list[object]:
    """A value, or the items of a list and of lists in it; no deeper, as YAML may be cyclic."""
    outer = cast("list[object]", value) if isinstance(value, list) else [value]
    inner = (cast("list[object]", e) if isinstance(e, list) else [e] for e in outer)
    return [entry for entries in inner for entry in entries]


def _holds_numbers(annotation: Any) -> bool:
    if get_origin(annotation) in {Annotated, Union, UnionType, tuple}:
        return any(_holds_numbers(part) for part in get_args(annotation))
    return annotation in (int, float)


def explain(error: ValidationError, root: type[BaseModel], tree: Mapping[str, Any]) -> str:
    """Explain the first error in one line, with the closest valid key or value."""
    first = error.errors(include_url=False)[0]
    branches = {name for name, *_ in _families(root)}
    path = [str(part) for part in first["loc"]]
    if path[:1] == ["model"] and path[1:2] and path[1] in branches:
        del path[1]  # the family, which pydantic adds to the keys that the user wrote
    key = ".".join(path)
    kind, given = first["type"], first.get("input")
    if kind == "extra_forbidden":
        if isinstance(given, Mapping) and given:  # an unknown section: name a key in it
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
        choices = get_args(dict(_keys(root, tree))[".".join(path)].annotation)
        return _wrong_choice(key, given, [str(choice) for choice in choices])
    if kind == "value_error":
        return str(first.get("ctx", {}).get("error", first["msg"]))
    if kind in {"model_type", "model_attributes_type"}:
        return f"{key} is a section, not the value {shown(given)}; set a key of it, as {key}.KEY"
    if kind == "tuple_type":
        return f"{key}={shown(given)} is wrong: it must be a list, such as {key}=[1,2,3]"
    if kind == "string_pattern_mismatch":
        return (
            f"{key}={shown(given)} is wrong: use letters, digits, dots, dashes and underscores, "
            "a letter or digit first"
        )
    reason = first["msg"][0].lower() + first["msg"][1:]
    hint = "; write null for none" if given == "None" else ""
    return f"{key}={shown(given)} is wrong: {reason}{hint}"


def shown(given: object) -> str:
    """A value as given, shortened."""
    try:
        text = repr(given)
    except ValueError:  # an integer of thousands of digits
        text = "that number"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _wrong_choice(key: str, given: object, choices: list[str]) -> str:
    given_text = shown(given)
    near = difflib.get_close_matches(given_text.strip("'"), choices, n=1, cutoff=0.4)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"{key}={given_text} is not one of {', '.join(choices)}{hint}"


def _unknown_key(key: str, root: type[BaseModel], tree: Mapping[str, Any]) -> str:
    key = key[:_LONGEST_KEY]  # compared with every key
    known = sorted({name for name, _ in _keys(root, tree=None)})
    here = sorted({name for name, _ in _keys(root, tree=tree)})
    if key in tree and "." in key and key in here:  # `optim.lr: 1` in a file
        section, name = key.rsplit(".", 1)
        return f"{key} is one key of a file; write it as {name} within {section}:"
    if key in known:
        model = tree.get("model")
        family = model.get("family", "resnet") if isinstance(model, Mapping) else "resnet"
        return f"{key} does not belong to model.family={family}; remove it or change the family"
    meant, kind = key_meant(key, here), root.__name__.lower()
    if meant is None and kind == "recipe":
        hint = f"{command('recipes', 'quick')} lists them"
    else:
        hint = f"did you mean {meant}?" if meant else f"there are {', '.join(root.model_fields)}"
    return f"{key} is not a {kind} key; {hint}"


def _families(root: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    model = root.model_fields.get("model")
    for section in get_args(model.annotation) if model else ():
        yield section.model_fields["family"].annotation.__args__[0], section


def _keys(root: type[BaseModel], tree: Mapping[str, Any] | None) -> Iterator[tuple[str, FieldInfo]]:
    """All dotted keys with their fields; with a tree, only those of its model family."""
    for name, field in root.model_fields.items():
        sections = _sections(field, tree.get(name) if tree is not None else None)
        if not sections:
            yield name, field
        for section in sections:
            yield from _keys_below(section, f"{name}.")


@functools.cache  # they take three times as long as the validation of a recipe
def _keys_below(root: type[BaseModel], prefix: str) -> tuple[tuple[str, FieldInfo], ...]:
    return tuple((f"{prefix}{key}", field) for key, field in _keys(root, tree=None))


def _sections(field: FieldInfo, chosen: object) -> list[type[BaseModel]]:
    annotation = field.annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    options = [a for a in get_args(annotation) if isinstance(a, type) and issubclass(a, BaseModel)]
    if isinstance(chosen, Mapping):
        family = chosen.get("family", "resnet")
        options = [o for o in options if family in get_args(o.model_fields["family"].annotation)]
    return options
