"""YAML without surprises: values that differ between its versions are text or rejected.

YAML 1.1, as in PyYAML, reads 010 as 8, 1:30 as 90 and `no` and `off` as false; 1.2 does not, and
reads 1e-3 as a number. Here `yes`, `no`, `on` and `off` are text, which boolean keys accept, and
dates are text.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, ClassVar, cast

import yaml

from thriftnet.recipe.yaml_bounds import refuse_bombs

_NONE = {"", "~", "null", "Null", "NULL"}
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*|[1-9][0-9]{0,2}(_[0-9]{3})+)|0x[0-9a-fA-F]+")
_FRACTION = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_LEADING_ZERO = re.compile(r"([-+]?)0(_*[0-9][0-9_]*)")
_OTHER_BASE = re.compile(r"0o_*[0-7][0-7_]*|0b_*[01][01_]*|0x_*[0-9a-fA-F][0-9a-fA-F_]*")
_MINUTES = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
_SPLIT = re.compile(r"[-+]?[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?")
_MERGE = "tag:yaml.org,2002:merge"
_OTHER_BREAKS = {"\x85", "\u2028", "\u2029"}
"""YAML 1.1 treats these as line breaks; double quotes escape them."""
_TEXT_KEYS = {
    "dataset",
    "decisions",
    "description",
    "group",
    "image_column",
    "label_column",
    "name",
    "sha256",
    "split_column",
    "weights",
}
"""Last parts of the keys whose values are always text: a folder may be named 2024, a column 2."""


if TYPE_CHECKING:
    _Base = yaml.SafeLoader
else:  # the C version, if available
    _Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class AmbiguousValueError(ValueError):
    """A value that differs between versions of YAML; the message says what to write."""


class _Loader(_Base):
    """Plain values only; duplicate keys are errors, where PyYAML would keep the last."""

    # The types of PyYAML declare it as an instance variable.
    yaml_implicit_resolvers: ClassVar[dict[Any, Any]] = {  # pyrefly: ignore[bad-override]
        "<": [(_MERGE, re.compile("<<$"))],
        None: [("!plain", re.compile(""))],
    }
    yaml_constructors: ClassVar[dict[Any, Any]] = {
        kind: yaml.SafeLoader.yaml_constructors[kind]
        for kind in (*(f"tag:yaml.org,2002:{name}" for name in ("map", "seq", "str")), None)
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Hashable] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                raise ValueError(f"the key {key.value!r} is a duplicate; keep one")
            seen.add(key.value)
            if isinstance(value, yaml.SequenceNode) and key.tag == _MERGE:
                # PyYAML 6.0.4 takes the last mapping with a key, earlier versions the first.
                raise ValueError("`<<` merges a list; merge one mapping, and write the rest out")
            if key.value.rsplit(".", 1)[-1] in _TEXT_KEYS:
                _as_text(value)
        return super().construct_mapping(node, deep=deep)

    def construct_plain(self, node: yaml.ScalarNode) -> object:
        try:
            return plain_value(node.value)
        except AmbiguousValueError as fault:
            raise AmbiguousValueError(f"line {node.start_mark.line + 1}: {fault}") from None


class _OwnLoader(_Loader):
    """For generated files: earlier versions left some text unquoted."""

    def construct_plain(self, node: yaml.ScalarNode) -> object:
        try:
            value = plain_value(node.value)
        except AmbiguousValueError:
            return node.value
        return node.value if isinstance(value, float) and "." not in node.value else value


_Loader.add_constructor("!plain", _Loader.construct_plain)
_OwnLoader.add_constructor("!plain", _OwnLoader.construct_plain)


class _Dumper(yaml.SafeDumper):
    """Quotes text that would be parsed as another type."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        try:
            style = None if plain_value(text) == text else "'"
        except ValueError:
            style = "'"
        if _OTHER_BREAKS & {*text}:
            style = '"'
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _Dumper.represent_text)


def read_yaml(text: str, *, key: str = "", own: bool = False) -> object:
    """Read YAML.

    Args:
        text: A file, or a single value.
        key: Key of the value; some are always text.
        own: Whether this program wrote it, so that it is not ambiguous.

    Raises:
        ValueError: It is not YAML, expands too much, or is ambiguous; the message says where and
            what to write.
    """
    try:
        refuse_bombs(text)
        loader = (_OwnLoader if own else _Loader)(text)
        try:
            node = loader.get_single_node()
            if node is not None and key.rsplit(".", 1)[-1] in _TEXT_KEYS:
                _as_text(node)
            return None if node is None else loader.construct_document(node)
        finally:
            loader.dispose()
    except AmbiguousValueError:
        raise
    # PyYAML may raise almost any exception.
    except Exception as fault:
        raise ValueError(" ".join(str(fault).split())[:200]) from None


def write_yaml(tree: object, *, flow: bool | None = False) -> str:
    """Write YAML that `read_yaml` reads back as the same tree of plain values.

    Args:
        tree: Mappings, lists, text, numbers, true, false and null.
        flow: Whether lists and mappings are written inline; None: only the innermost ones.
    """
    return yaml.dump(
        tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=flow
    )


def plain_value(text: str) -> object:
    """Parse an unquoted scalar.

    Raises:
        AmbiguousValueError: The value depends on the version of YAML; the message says what to
            write.
    """
    if text in _NONE:
        return None
    if text in _TRUTH:
        return _TRUTH[text]
    if _WHOLE.fullmatch(text):
        return int(text.replace("_", ""), 0)
    _refuse_ambiguous(text)
    if _FRACTION.fullmatch(text):
        # 0.0 is added so that -0.0 is 0.0: equal recipes have equal digests.
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan")) + 0.0
    return text


def _refuse_ambiguous(text: str) -> None:
    bare = text.replace("_", "")
    if found := _LEADING_ZERO.fullmatch(text):
        digits, sign = found[2].replace("_", ""), found[1].replace("+", "")
        readings = {sign + str(int(digits))}
        if not set(digits) & set("89"):
            readings.add(sign + str(int(digits, 8)))
        both = " or ".join(sorted(readings, key=int))
        raise AmbiguousValueError(f"{text} begins with a zero; write {both}")
    if _OTHER_BASE.fullmatch(text):
        raise AmbiguousValueError(
            f"{text} is a number by some versions of YAML only; write {int(bare, 0)}"
        )
    if _MINUTES.fullmatch(text):
        total = 0.0
        for part in bare.lstrip("+-").split(":"):
            total = total * 60 + float(part)
        written = f"{'-' * text.startswith('-')}{total:g}"
        raise AmbiguousValueError(
            f"{text} is read as {written} or as text; write {written} or '{text}'"
        )
    if "_" in text and _SPLIT.fullmatch(text):
        raise AmbiguousValueError(f"{text} is read as {bare} or as text; write {bare} or '{text}'")


def _as_text(node: yaml.Node) -> None:
    """Mark a scalar, or the scalars of a list, as text, unless they are empty."""
    if isinstance(node, yaml.SequenceNode):
        for each in cast("list[yaml.Node]", node.value):
            _as_text(each)
    if isinstance(node, yaml.ScalarNode) and node.tag == "!plain" and node.value not in _NONE:
        node.tag = "tag:yaml.org,2002:str"
