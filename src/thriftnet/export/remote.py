"""Uploads and downloads exported folders with Hugging Face's hub or a compatible server.

huggingface_hub (extra `hub`) is imported where needed. It takes the address from
`HF_ENDPOINT` and the token from `HF_TOKEN` or `hf auth login`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from importlib import import_module
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from thriftnet.errors import ExportError, ThriftnetError
from thriftnet.export.pipeline import export_model
from thriftnet.export.place import check_place, keep
from thriftnet.export.targets import TARGETS
from thriftnet.extras import load
from thriftnet.inference.engine import OnProgress, no_progress
from thriftnet.models.hub_folder import FILES, find_weights, is_hub_folder
from thriftnet.models.tensors import check_model_file
from thriftnet.trust import refuse_links
from thriftnet.weights.find import find_model

_MOST_BYTES = 2**30
"""Of a network's files; that of five million parameters has twenty million."""
_MOST_ENTRIES = 10_000
"""Of a repository's list of files that are looked at."""


def push(
    model: Path | str,
    repo: str,
    *,
    private: bool = False,
    message: str | None = None,
    tta: bool = False,
    on_progress: OnProgress = no_progress,
) -> str:
    """Upload a network as a folder that `pull` and transformers read.

    Args:
        model: An exported folder, or what `export_model` takes, which is exported first.
        repo: `NAME` or `OWNER/NAME`; created if missing.
        private: Whether a new repository is private.
        message: Commit message.
        tta: Whether to include the recipe's views if `model` is exported first.
        on_progress: As for `export_model`.

    Returns:
        Address of the repository.

    Raises:
        ExportError: The server refuses or cannot be reached, or a package is missing.
        RunError: There is no finished network at `model`, or the folder has links.
    """
    hub = _package()
    path = Path(model)
    exported = find_model(model).name is None and is_hub_folder(path)
    if exported and tta:
        raise ExportError(f"{path} is exported already, with its views; leave out --tta")
    if exported:
        refuse_links(path, of="folder", levels=1)  # they would upload other files of this machine
    with TemporaryDirectory(prefix="thriftnet-") as place:
        if not exported:
            path = Path(place, _last_part(repo))
            export_model(model, to="folder", output=path, tta=tta, on_progress=on_progress)
        with _hub_errors(repo, hub):
            api = hub.HfApi()
            found = api.create_repo(repo, private=private or None, exist_ok=True)
            api.upload_folder(
                repo_id=found.repo_id,
                folder_path=path,
                allow_patterns=list(FILES),
                commit_message=message or "Upload by thriftnet",
            )
            return str(found)


def pull(repo: str, *, output: Path | str | None = None, revision: str | None = None) -> Path:
    """Download a network uploaded by `push` and check it before keeping it.

    Args:
        repo: `OWNER/NAME`.
        output: The folder to write; None: the repository's name in the current folder.
        revision: A branch, tag or commit; None: the newest.

    Raises:
        ExportError: The server refuses or cannot be reached, a package is missing, or `output`
            cannot be written.
        RunError: The download is not a network of thriftnet, or is damaged.
    """
    hub = _package()
    path = Path(_last_part(repo)) if output is None else Path(output)
    check_place(path, TARGETS["folder"])
    with TemporaryDirectory(prefix="thriftnet-") as place:
        with _hub_errors(repo, hub):
            _check_sizes(repo, revision, hub)
            hub.snapshot_download(
                repo, revision=revision, local_dir=place, allow_patterns=list(FILES)
            )
        draft = Path(place, "kept")
        draft.mkdir()
        for name in FILES:
            if Path(place, name).is_file():
                Path(place, name).rename(draft / name)
        weights = find_weights(draft)
        if weights is None:
            raise ExportError(f"{repo} has no network of thriftnet; check the name")
        check_model_file(weights)
        keep(draft, path, report={"pulled": repo, "revision": revision})
    return path


def _check_sizes(repo: str, revision: str | None, hub: Any) -> None:
    """See that a repository's files are no larger than a network's, before they are downloaded.

    Raises:
        ExportError: They are.
    """
    entries = hub.HfApi().list_repo_tree(repo, revision=revision)
    sizes = {each.path: getattr(each, "size", 0) for each in islice(entries, _MOST_ENTRIES)}
    total = sum(sizes.get(name, 0) for name in FILES)
    if total > _MOST_BYTES:
        raise ExportError(f"the files of {repo} have {total:,} bytes: no network of thriftnet")


def _last_part(repo: str) -> str:
    return repo.rsplit("/", 1)[-1] or "folder"


@contextlib.contextmanager
def _hub_errors(repo: str, hub: Any) -> Generator[None]:
    """Turn the hub's errors into one line; disable progress bars, as the files are small.

    Raises:
        ExportError: The server refuses or cannot be reached.
    """
    bars = hub.utils.are_progress_bars_disabled()
    hub.utils.disable_progress_bars()
    try:
        yield
    except ThriftnetError:
        raise
    except Exception as fault:
        raise ExportError(_explained(fault, repo, hub)) from None
    finally:
        if not bars:
            hub.utils.enable_progress_bars()


def _explained(fault: Exception, repo: str, hub: Any) -> str:
    status = getattr(getattr(fault, "response", None), "status_code", None)
    token = "run: hf auth login, or set HF_TOKEN"
    if isinstance(fault, hub.errors.LocalTokenNotFoundError) or status in (401, 403):
        return f"{repo}: the server requires a token with the right to do this; {token}"
    if status == 404:
        return f"{repo} does not exist or is private; check the name, or {token}"
    if isinstance(fault, hub.errors.HFValidationError):
        return f"{repo} is not the name of a repository; give OWNER/NAME"
    first = next((line.strip() for line in str(fault).splitlines() if line.strip()), "")
    reason = (first or type(fault).__name__)[:200]
    if status is not None:
        return f"{repo}: the server refuses ({reason}); try again later"
    return (
        f"{repo}: {hub.constants.ENDPOINT} cannot be reached ({reason}); check the connection and "
        "HF_ENDPOINT"
    )


def _package() -> Any:
    hub = load("push and pull need", "huggingface_hub", extra="hub", error=ExportError)
    for part in ("constants", "errors", "utils"):  # submodules that it does not import
        import_module(f"huggingface_hub.{part}")
    return hub
