"""Reads the YAML of a recipe or a search space, by shipped name or by path."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any, cast

from thriftnet.digests import open_yaml
from thriftnet.errors import ThriftnetError
from thriftnet.files import read_bounded
from thriftnet.recipe.plain_yaml import read_yaml
from thriftnet.recipe.yaml_bounds import MOST_CHARACTERS


def shipped_names(folder: str) -> tuple[str, ...]:
    """Names of the YAML files in a folder of the package, such as `search/spaces`."""
    files = resources.files("thriftnet").joinpath(*folder.split("/")).iterdir()
    return tuple(sorted(file.name[:-5] for file in files if file.name.endswith(".yaml")))


def read_source(
    source: str | Path, *, kind: str, folder: str, error: type[ThriftnetError], own: bool = False
) -> tuple[dict[str, Any], str]:
    """Read a YAML mapping.

    Args:
        source: The name of a shipped file, or a path such as `mine.yaml`.
        kind: What it is, for messages: `recipe` or `space`.
        folder: Folder of the shipped ones in the package.
        error: Class of the error.
        own: Whether this program wrote it, so that no value is ambiguous.

    Returns:
        The mapping, and its text without the checksum.

    Raises:
        ThriftnetError: Of class `error`: unknown name, or an unreadable, cut or wrong file.
    """
    path = Path(source)
    if isinstance(source, str) and path.suffix not in {".yaml", ".yml"}:
        shipped = shipped_names(folder)
        if source not in shipped and (path / f"{kind}.yaml").is_file():
            raise error(f"{path} is a folder; its {kind} is {path / f'{kind}.yaml'}")
        if source not in shipped:
            raise error(
                f"no {kind} is named {source!r}; use one of {', '.join(shipped)}, or the path of "
                "a .yaml file"
            )
        file = resources.files("thriftnet").joinpath(*folder.split("/"), f"{source}.yaml")
        text = file.read_text("utf-8")
    else:
        try:
            text = read_bounded(path, most=4 * MOST_CHARACTERS).decode("utf-8")
        except (OSError, ValueError) as fault:  # ValueError: not UTF-8, or a path with a NUL
            reason = fault.strerror if isinstance(fault, OSError) else "it is not UTF-8 text"
            raise error(f"{kind} {path} cannot be read: {reason}; check the path") from None
    try:
        text = open_yaml(text)
    except ValueError as fault:
        raise error(f"{source} {fault}") from None
    try:
        tree = read_yaml(text, own=own)
    except ValueError as fault:
        raise error(f"{source} is not valid YAML: {fault}") from None
    if not isinstance(tree, dict):
        raise error(f"{source} holds no {kind}; it must be a YAML mapping")
    return cast("dict[str, Any]", tree), text
