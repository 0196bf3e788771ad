"""Exports a trained network: write, run, compare, then keep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thriftnet.data.places import given_path
from thriftnet.errors import ExportError, ExportMismatchError
from thriftnet.export.gate import Check, OtherCheck, compare, compare_elsewhere, fault_of
from thriftnet.export.job import ExportJob, Target
from thriftnet.export.measured import Measured, measured_accuracy
from thriftnet.export.pictures import Pictures, choose_pictures
from thriftnet.export.place import check_place, keep
from thriftnet.export.targets import choose_target
from thriftnet.files import explain_os_error
from thriftnet.inference.classifier import Classifier
from thriftnet.inference.engine import OnProgress, no_progress
from thriftnet.models.preprocessing import Preprocessing
from thriftnet.models.saved import SavedModel, read_model
from thriftnet.phases import phase
from thriftnet.plain import plain, to_stderr
from thriftnet.training.environment import package_version
from thriftnet.weights.find import find_model


@dataclass(frozen=True)
class Exported:
    """An export and its comparison with the network."""

    path: Path
    to: str
    """A key of `TARGETS`."""
    about: str
    """Description of the format."""
    size_bytes: int
    preprocessing: Preprocessing
    recipe_tta: str
    """Views of the network's recipe; the export may lack them."""
    check: Check
    others: Mapping[str, OtherCheck]
    """The same in further runtimes that are installed, by their package."""
    measured: Measured | None = None
    """Test accuracy of the network with the views of the export; None if it was not evaluated."""

    def to_json(self) -> dict[str, Any]:
        """Values for JSON."""
        return {
            "path": str(self.path),
            "to": self.to,
            "size_bytes": self.size_bytes,
            "preprocessing": self.preprocessing.contract(),
            "check": self.check.to_json(),
            "others": {name: each.to_json() for name, each in self.others.items()},
            "measured": self.measured and asdict(self.measured),
        }


def export_model(
    model: Path | str,
    *,
    to: str,
    output: Path | str | None = None,
    tta: bool = False,
    reduce_range: bool = False,
    calibration: Path | str | None = None,
    on_progress: OnProgress = no_progress,
    say: Callable[[str], None] = to_stderr,
) -> Exported:
    """Export a trained network; refuse the export if its predictions differ.

    The export runs in its own runtime on up to 2,000 pictures with batches of 1, 7 and 64 before
    anything is written to `output`. The differences are written beside it. A page whose int8
    network differs is written in fp32, which is said.

    Args:
        model: The name of shipped weights, a run folder or a model file.
        to: A key of `TARGETS`, such as `onnx`, `onnx-int8`, `torch-export`.
        output: File or folder; None: the network's name in the current folder.
        tta: Whether to include the views of the network's recipe; each costs a forward pass.
        reduce_range: Whether int8 weights use 7 bits, for processors without VNNI.
        calibration: A folder of pictures for int8 calibration and the comparison; None: the
            network's own training and validation images.
        on_progress: Called with the number of predictions compared, of each picture one for every
            batch size, and the total.
        say: Called with a line about skipped pictures.

    Raises:
        RunError: There is no finished network at `model`, or its file is damaged.
        ExportError: The target is unknown, a package or the pictures are missing, the format lacks
            a layer, an option would be ignored, or `output` cannot be written.
        ExportMismatchError: The export's predictions differ from the network's.
    """
    target = choose_target(to)
    if reduce_range and not target.int8:
        raise ExportError(f"--reduce-range is for int8, and --to {to} is not; leave it out")
    found = find_model(model)
    saved = read_model(found.path)
    name = found.title
    output = Path(f"{name}{target.suffix}") if output is None else Path(output)
    check_place(output, target, source=found.path)
    folder = given_path(calibration, "calibration")
    pictures = choose_pictures(saved, found.run, folder=folder, int8=target.int8, say=say)
    how = _preprocessing(saved, tta=tta, name=name)
    job = ExportJob(
        model=saved,
        name=plain(name),
        target=to,
        preprocessing=how,
        calibration=pictures.calibration if target.int8 else None,
        reduce_range=reduce_range,
        measured=measured_accuracy(saved, found.run, how.tta),
    )
    try:
        check, others, size = _write_and_compare(job, target, output, pictures, on_progress)
    except ExportMismatchError as fault:
        if target.in_fp32 is None or not target.or_fp32:
            raise
        say(f"{fault}: exporting in fp32 instead, which is larger and slower")
        return export_model(
            model,
            to=target.in_fp32,
            output=output,
            tta=tta,
            calibration=calibration,
            on_progress=on_progress,
            say=say,
        )
    for package, other in others.items():
        if other.fault is not None:
            say(f"do not run {plain(str(output))} with {package}: there, {other.fault}")
    return Exported(
        path=output,
        to=to,
        about=target.about,
        size_bytes=size,
        preprocessing=job.preprocessing,
        recipe_tta=saved.tta,
        check=check,
        others=others,
        measured=job.measured,
    )


def _write_and_compare(
    job: ExportJob, target: Target, output: Path, pictures: Pictures, on_progress: OnProgress
) -> tuple[Check, Mapping[str, OtherCheck], int]:
    """Write an export elsewhere, compare it, and move it to `output`.

    Returns:
        The comparison, those in further runtimes, and the size of the export in bytes.

    Raises:
        ExportMismatchError: Its predictions differ from the network's.
        ExportError: The format lacks a layer, or the disk cannot be written.
    """
    views = job.preprocessing.tta
    reference = Classifier(job.model, tta=views, device="cpu", precision="fp32")
    expected = _expected(reference, pictures)
    try:
        with TemporaryDirectory(prefix="thriftnet-") as place:
            draft = Path(place, f"export{target.suffix}")  # a name that every runtime can open
            with phase(f"converting {job.name} to {job.target}"):
                target.write(job, draft)
            run = target.load(draft)
            check = compare(
                run, expected, pictures, batches=target.batches, on_progress=on_progress
            )
            if fault := fault_of(check, target.limits):
                differs = (
                    f"the {job.target} export of {job.name} differs from the network: {fault} "
                    f"({check.source})"
                )
                if not target.or_fp32:
                    differs += f"; nothing was written{_remedy(job, target)}"
                raise ExportMismatchError(differs)
            others = compare_elsewhere(target, draft, expected, pictures, on_progress=on_progress)
            size = keep(draft, output, report=_report(job, target, check, others))
    except OSError as fault:
        raise ExportError(explain_os_error(fault, output)) from None
    return check, others, size


def _remedy(job: ExportJob, target: Target) -> str:
    """What may help where an export differs.

    Without VNNI, sums of products of 8 bits saturate, which weights of 7 bits prevent.
    """
    if target.in_fp32 is None:
        return ""
    narrower = target.int8 and not job.reduce_range
    return f"; {'try --reduce-range, or ' if narrower else ''}use --to {target.in_fp32}"


def _expected(reference: Classifier, pictures: Pictures) -> NDArray[np.float32]:
    """(N, classes) probabilities of the network, with a count, as a slow machine takes minutes."""
    images, batch = pictures.compared, reference.engine.batch_size
    found: list[NDArray[np.float32]] = []
    with phase("pictures classified by the network itself") as count:
        for start in range(0, len(images), batch):
            found.append(reference.probabilities(images[start : start + batch]))
            count(min(start + batch, len(images)), len(images))
    return np.concatenate(found)


def _preprocessing(model: SavedModel, *, tta: bool, name: str) -> Preprocessing:
    """Preprocessing of the export.

    Raises:
        ExportError: Views are requested and the recipe has none.
    """
    if tta and model.tta == "none":
        raise ExportError(f"the recipe of {name} uses no views; leave out --tta")
    return model.preprocessing if tta else model.preprocessing_with("none")


def _report(
    job: ExportJob, target: Target, check: Check, others: Mapping[str, OtherCheck]
) -> dict[str, Any]:
    return {
        "network": job.name,
        "to": job.target,
        "thriftnet": package_version(),
        "tta": job.preprocessing.tta,
        **check.to_json(),
        "limits": asdict(target.limits),
        "others": {name: each.to_json() for name, each in others.items()},
    }
