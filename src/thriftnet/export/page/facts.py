"""Facts about the network on a page."""

from __future__ import annotations

from thriftnet.export.measured import Measured
from thriftnet.export.page.template import PageFacts
from thriftnet.inference.outliers import OutlierTest
from thriftnet.inference.views import ABOUT, VIEWS
from thriftnet.models.preprocessing import Preprocessing
from thriftnet.models.saved import SavedModel
from thriftnet.training.environment import package_version


def page_facts(
    model: SavedModel,
    contract: Preprocessing,
    *,
    name: str,
    weights: str,
    measured: Measured | None = None,
    outlier_test: OutlierTest | None = None,
) -> PageFacts:
    """Parameters, accuracy, views and limits.

    Args:
        model: The network.
        contract: Contract of the page's engine; its views may differ from the recipe's.
        name: Name of the network.
        weights: Its precision: `int8`, `fp32`, `bf16`.
        measured: Its test accuracy with the contract's views.
        outlier_test: The test of the page's engine; None: it has none.
    """
    side = contract.image_size
    alone = contract.tta == "none"
    views = "one" if alone else f"{len(VIEWS[contract.tta])}: {ABOUT[contract.tta]}"
    rows = [
        ("Parameters", f"{model.parameters:,}"),
        ("Input", f"{side}×{side} pixels"),
        ("Views of a picture", views),
        ("Precision", weights),
    ]
    notes = [_limits(contract, outlier_test)]
    if measured:
        rows.insert(0, ("Test accuracy", f"{measured.accuracy:.2%}"))
        how = "without test-time augmentation" if alone else "with these views"
        known = measured.interval and " to ".join(f"{limit:.2%}" for limit in measured.interval)
        interval = f" (95% interval: {known})" if known else ""
        here = "" if weights == measured.precision else f"; here it runs in {weights}"
        notes.insert(
            0,
            f"The accuracy is that of the network in {measured.precision}, {how}, on "
            f"{measured.images}{interval}{here}.",
        )
    return PageFacts(
        name=name,
        preprocessing=contract,
        rows=tuple(rows),
        notes=tuple(notes),
        footer=f"Made by thriftnet {package_version()} (MIT licence).",
    )


def _limits(contract: Preprocessing, test: OutlierTest | None) -> str:
    """Limits of the predictions."""
    found: list[str] = []
    if contract.threshold is not None:
        found.append(
            f"Below a probability of {contract.threshold:.0%}, it says that it is not sure."
        )
    if test:
        found.append(
            "Pictures unlike the training images are rejected as outliers, and so are at most "
            f"{100 * test.share:g}% of the others."
        )
    return (
        " ".join(found)
        or 'It cannot answer "none of these": every picture gets one of its classes.'
    )
