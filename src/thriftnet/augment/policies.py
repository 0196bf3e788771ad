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


class PolicyStep(NamedTuple):
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
    (PolicyStep("Invert", 0.1), PolicyStep("Contrast", 0.2, 6)),
    (PolicyStep("Rotate", 0.7, 2), PolicyStep("TranslateX", 0.3, 9)),
    (PolicyStep("Sharpness", 0.8, 1), PolicyStep("Sharpness", 0.9, 3)),
    (PolicyStep("ShearY", 0.5, 8), PolicyStep("TranslateY", 0.7, 9)),
    (PolicyStep("AutoContrast", 0.5), PolicyStep("Equalize", 0.9)),
    (PolicyStep("ShearY", 0.2, 7), PolicyStep("Posterize", 0.3, 7)),
    (PolicyStep("Color", 0.4, 3), PolicyStep("Brightness", 0.6, 7)),
    (PolicyStep("Sharpness", 0.3, 9), PolicyStep("Brightness", 0.7, 9)),
    (PolicyStep("Equalize", 0.6), PolicyStep("Equalize", 0.5)),
    (PolicyStep("Contrast", 0.6, 7), PolicyStep("Sharpness", 0.6, 5)),
    (PolicyStep("Color", 0.7, 7), PolicyStep("TranslateX", 0.5, 8)),
    (PolicyStep("Equalize", 0.3), PolicyStep("AutoContrast", 0.4)),
    (PolicyStep("TranslateY", 0.4, 3), PolicyStep("Sharpness", 0.2, 6)),
    (PolicyStep("Brightness", 0.9, 6), PolicyStep("Color", 0.2, 8)),
    (PolicyStep("Solarize", 0.5, 2), PolicyStep("Invert", 0.0)),
    (PolicyStep("Equalize", 0.2), PolicyStep("AutoContrast", 0.6)),
    (PolicyStep("Equalize", 0.2), PolicyStep("Equalize", 0.6)),
    (PolicyStep("Color", 0.9, 9), PolicyStep("Equalize", 0.6)),
    (PolicyStep("AutoContrast", 0.8), PolicyStep("Solarize", 0.2, 8)),
    (PolicyStep("Brightness", 0.1, 3), PolicyStep("Color", 0.7, 0)),
    (PolicyStep("Solarize", 0.4, 5), PolicyStep("AutoContrast", 0.9)),
    (PolicyStep("TranslateY", 0.9, 9), PolicyStep("TranslateY", 0.7, 9)),
    (PolicyStep("AutoContrast", 0.9), PolicyStep("Solarize", 0.8, 3)),
    (PolicyStep("Equalize", 0.8), PolicyStep("Invert", 0.1)),
    (PolicyStep("TranslateY", 0.7, 9), PolicyStep("AutoContrast", 0.9)),
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
