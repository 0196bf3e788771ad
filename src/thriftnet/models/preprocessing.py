"""How a picture becomes what a network takes, and what its outputs mean; no torch.

One contract for every surface. The model file and every export hold it, so that nobody has to
rebuild resizing, cropping and normalisation from memory: accuracy lost after an export is nearly
always lost there.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator

from thriftnet.data.options import Fit

_ROUNDING = 1e-9
_LONGEST_NAME = 1000


def check_rising(knots: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    """See that knots rise, and that what they map to does not fall.

    Raises:
        ValueError: They do not: a surer answer would become a less sure one.
    """
    for (left, low), (right, high) in pairwise(knots):
        if right <= left or right + high < left + low - _ROUNDING:
            raise ValueError("the knots of a confidence map have to rise")
    return knots


Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]

Knot = tuple[Finite, Finite]
"""Log-odds of the largest probability, and what is added to its logit there."""
Shifts = Annotated[tuple[Knot, ...], Field(max_length=64), AfterValidator(check_rising)]
"""In rising order; linear between the knots and constant beyond them."""


def _check_name(value: object) -> str:
    """Any text: Pydantic's own check refuses half surrogates, which a file name may hold."""
    if not isinstance(value, str) or len(value) > _LONGEST_NAME:
        raise ValueError(f"a class is named by a text of at most {_LONGEST_NAME} characters")
    return value


ClassName = Annotated[str, PlainValidator(_check_name)]

Filter = Literal["lanczos"]
"""`lanczos`: over the whole area that each new pixel covers, as Pillow resizes."""


class Preprocessing(BaseModel):
    """From an upright RGB picture of 8 bits, transparent parts over white, to class probabilities.

    The picture is made square as `fit` says and resized to `image_size` with `filter`. The network
    takes (pixel / 255 - mean) / std. Its logits, averaged over the views of `tta`, divided by
    `temperature` and moved by `shifts` (`inference.calibrated`), give probabilities by softmax.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    classes: Annotated[tuple[ClassName, ...], Field(min_length=1, max_length=10_000)]
    """In the order of the outputs."""
    image_size: Annotated[int, Field(ge=1, le=1024)]
    """Height and width of the network's input, in pixels."""
    fit: Fit = "crop"
    """How a picture that is not square becomes so."""
    filter: Filter = "lanczos"
    """How it is resized."""
    mean: tuple[Finite, Finite, Finite]
    """Of the training images in [0, 1], by channel."""
    std: tuple[Positive, Positive, Positive]
    tta: str
    """Views of each picture: a key of `inference.views.VIEWS`; `none` is the picture alone."""
    temperature: Positive = 1.0
    """Divides the logits; 1 until the network is calibrated."""
    shifts: Shifts = ()
    """What is added to the largest logit after that, by its log-odds; none: nothing."""
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    """Probability below which no class is named; none: a class is always named."""

    def contract(self) -> dict[str, Any]:
        """These fields alone as plain values, without those of a subclass."""
        whole = self.model_dump(mode="json")
        return {name: whole[name] for name in Preprocessing.model_fields}
