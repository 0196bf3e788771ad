"""The page at / of a service: the exported page with the service as its engine."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources

from thriftnet.export.page.facts import page_facts
from thriftnet.export.page.template import PageEngine, PageFacts, render
from thriftnet.serve.service import Service

_ENGINE = PageEngine(
    scripts=(resources.files("thriftnet.serve") / "page.js",),
    whereabouts="Your pictures are sent to the service that serves this page, and are not stored.",
    connect="'self'",
)
_ACTIVATION = (
    "The coloured picture is a class-activation map: how much each position of the last feature "
    "map adds to the logit of the predicted class, minus the mean over all classes. An outline "
    "surrounds what is above half of the largest value."
)


def service_page(service: Service) -> bytes:
    """The page as HTML that loads no other file."""
    contract, compute = service.classifier.preprocessing, service.classifier.compute
    if service.model is None:
        side = contract.image_size
        rows = (("Input", f"{side}×{side} pixels"), ("Weights", compute.precision))
        facts = PageFacts(name=service.name, preprocessing=contract, rows=rows)
    else:
        facts = page_facts(
            service.model,
            contract,
            name=service.name,
            weights=compute.precision,
            measured=service.measured,
            outlier_test=service.classifier.outlier_test,
        )
    if service.explains:
        facts = replace(facts, notes=(*facts.notes, _ACTIVATION))
    return render(facts, _ENGINE)
