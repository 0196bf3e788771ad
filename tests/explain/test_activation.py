"""Class-activation maps add up to the logit."""

import numpy as np
import pytest
import torch

from thriftnet.augment import normalise
from thriftnet.explain.activation import class_activation
from thriftnet.inference.classifier import load_model


@pytest.mark.parametrize(
    ("name", "side"), [("quick", 3), ("paper-fixed", 8)], ids=["after a maximum", "after a mean"]
)
def test_places_add_up_to_the_logit(name: str, side: int) -> None:
    """Of a head after a maximum, and of one after a mean."""
    model = load_model(name, device="cpu", precision="fp32").model
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    images = normalise(
        torch.from_numpy(pixels[None]).permute(0, 3, 1, 2), mean=model.mean, std=model.std
    )
    with torch.no_grad():
        logits = model.network(images)[0]
    bias = getattr(model.network.head, "bias", None)
    logits = logits if bias is None else logits - bias.detach()
    for index in (0, int(logits.argmax())):
        found = class_activation(model, pixels, index)
        assert found.shape == (side, side)
        assert found.sum() == pytest.approx(float(logits[index] - logits.mean()), abs=1e-3)
    assert not any(parameter.grad is not None for parameter in model.network.parameters())
