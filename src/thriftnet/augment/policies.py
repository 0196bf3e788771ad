"""The published tables of AutoAugment for CIFAR-10 and of TrivialAugment (wide).

Magnitudes of an operation are evenly spaced over numbered bins. AutoAugment (Cubuk et al., arXiv
1805.09501, table 7) learned 25 pairs of operations, each with its probability and bin;
TrivialAugment (Müller and Hutter, arXiv 2103.10158, table 5, "wide") draws one operation and one
bin uniformly.
"""

from typing import NamedTuple


class Scale(NamedTuple):
    """The magnitudes of one operation: from `first` in bin 0 to `last` in the last bin."""

    first: float
    last: float
    signed: bool = False
    """Whether the sign is random."""
    of_side: bool = False
    """Whether magnitudes are relative to the image size."""


class Step(NamedTuple):
    """One operation of a sub-policy."""

    operation: str
    probability: float
    bin: int = 0
    """Index of the magnitude; unused by operations without one."""


_NO_MAGNITUDE = Scale(0, 0)

AUTOAUGMENT_BINS = 10
AUTOAUGMENT_SCALES = {
    "ShearX": Scale(0, 0.3, signed=True),
    "ShearY": Scale(0, 0.3, signed=True),
    "TranslateX": Scale(0, 150 / 331, signed=True, of_side=True),
    "TranslateY": Scale(0, 150 / 331, signed=True, of_side=True),
    "Rotate": Scale(0, 30, signed=True),
    "Brightness": Scale(0, 0.9, signed=True),
    "Color": Scale(0, 0.9, signed=True),
    "Contrast": Scale(0, 0.9, signed=True),
    "Sharpness": Scale(0, 0.9, signed=True),
    "Posterize": Scale(8, 4),
    "Solarize": Scale(255, 0),
    "AutoContrast": _NO_MAGNITUDE,
    "Equalize": _NO_MAGNITUDE,
    "Invert": _NO_MAGNITUDE,
}

AUTOAUGMENT_CIFAR10 = (
    (Step("Invert", 0.1), Step("Contrast", 0.2, 6)),
    (Step("Rotate", 0.7, 2), Step("TranslateX", 0.3, 9)),
    (Step("Sharpness", 0.8, 1), Step("Sharpness", 0.9, 3)),
    (Step("ShearY", 0.5, 8), Step("TranslateY", 0.7, 9)),
    (Step("AutoContrast", 0.5), Step("Equalize", 0.9)),
    (Step("ShearY", 0.2, 7), Step("Posterize", 0.3, 7)),
    (Step("Color", 0.4, 3), Step("Brightness", 0.6, 7)),
    (Step("Sharpness", 0.3, 9), Step("Brightness", 0.7, 9)),
    (Step("Equalize", 0.6), Step("Equalize", 0.5)),
    (Step("Contrast", 0.6, 7), Step("Sharpness", 0.6, 5)),
    (Step("Color", 0.7, 7), Step("TranslateX", 0.5, 8)),
    (Step("Equalize", 0.3), Step("AutoContrast", 0.4)),
    (Step("TranslateY", 0.4, 3), Step("Sharpness", 0.2, 6)),
    (Step("Brightness", 0.9, 6), Step("Color", 0.2, 8)),
    (Step("Solarize", 0.5, 2), Step("Invert", 0.0)),
    (Step("Equalize", 0.2), Step("AutoContrast", 0.6)),
    (Step("Equalize", 0.2), Step("Equalize", 0.6)),
    (Step("Color", 0.9, 9), Step("Equalize", 0.6)),
    (Step("AutoContrast", 0.8), Step("Solarize", 0.2, 8)),
    (Step("Brightness", 0.1, 3), Step("Color", 0.7, 0)),
    (Step("Solarize", 0.4, 5), Step("AutoContrast", 0.9)),
    (Step("TranslateY", 0.9, 9), Step("TranslateY", 0.7, 9)),
    (Step("AutoContrast", 0.9), Step("Solarize", 0.8, 3)),
    (Step("Equalize", 0.8), Step("Invert", 0.1)),
    (Step("TranslateY", 0.7, 9), Step("AutoContrast", 0.9)),
)

TRIVIALAUGMENT_BINS = 31
TRIVIALAUGMENT_SCALES = {
    "Identity": _NO_MAGNITUDE,
    "ShearX": Scale(0, 0.99, signed=True),
    "ShearY": Scale(0, 0.99, signed=True),
    "TranslateX": Scale(0, 32, signed=True),
    "TranslateY": Scale(0, 32, signed=True),
    "Rotate": Scale(0, 135, signed=True),
    "Brightness": Scale(0, 0.99, signed=True),
    "Color": Scale(0, 0.99, signed=True),
    "Contrast": Scale(0, 0.99, signed=True),
    "Sharpness": Scale(0, 0.99, signed=True),
    "Posterize": Scale(8, 2),
    "Solarize": Scale(255, 0),
    "AutoContrast": _NO_MAGNITUDE,
    "Equalize": _NO_MAGNITUDE,
}
