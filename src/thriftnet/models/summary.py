"""Summary of a network: layer table, totals, and those of ResNet-18."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from thriftnet.models.build import check_budget, outline_model
from thriftnet.models.describe import Layer, count_parameters, layer_table

RESNET18: dict[str, Any] = {
    "family": "resnet",
    "blocks": (2, 2, 2, 2),
    "channels": (64, 128, 256, 512),
}
"""ResNet-18 for small images, as a reference."""


@dataclass(frozen=True)
class Summary:
    """Layers and costs of a network."""

    name: str
    layers: list[Layer]
    parameters: int
    macs: int
    image_size: int
    """Image size that MACs are counted for."""
    budget: int | None
    """Upper limit of parameters."""
    resnet18_parameters: int
    resnet18_macs: int

    def to_json(self) -> dict[str, Any]:
        """JSON values, with the layers as objects."""
        return {
            "name": self.name,
            "parameters": self.parameters,
            "macs": self.macs,
            "image_size": self.image_size,
            "max_parameters": self.budget,
            "resnet18": {"parameters": self.resnet18_parameters, "macs": self.resnet18_macs},
            "layers": [asdict(layer) for layer in self.layers],
        }


def summarise(
    name: str, *, budget: int | None, image_size: int = 32, classes: int = 10, **model: Any
) -> Summary:
    """Summarise a network with the options of `build_model`.

    Raises:
        RecipeError: It has more parameters than `budget`.
    """
    network = outline_model(classes=classes, **model)
    parameters = count_parameters(network)
    check_budget(parameters, budget, model)
    layers = layer_table(network, image_size=image_size)
    peer = outline_model(classes=classes, **RESNET18)
    return Summary(
        name=name,
        layers=layers,
        parameters=parameters,
        macs=sum(layer.macs for layer in layers),
        image_size=image_size,
        budget=budget,
        resnet18_parameters=count_parameters(peer),
        resnet18_macs=sum(layer.macs for layer in layer_table(peer, image_size=image_size)),
    )
