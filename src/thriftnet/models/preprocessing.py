"""The preprocessing contract: from a picture to the input, and from logits to probabilities.

The model file and every export contain it, because mismatched resizing, cropping and normalisation
is the usual cause of accuracy lost after an export. Imports no torch.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator

from thriftnet.data.options import Fit

_ROUNDING = 1e-9
_LONGEST_NAME = 1000


def check_rising(knots: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    """Check that knots are ascending and the map is monotonic.

    Raises:
        ValueError: They are not.
    """
    for (left, low), (right, high) in pairwise(knots):
        if right <= left or right + high < left + low - _ROUNDING:
            raise ValueError("the knots of a confidence map have to rise")
    return knots


Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]

Knot = tuple[Finite, Finite]
"""Log-odds of the largest probability, and the amount added to its logit."""
Shifts = Annotated[tuple[Knot, ...], Field(max_length=64), AfterValidator(check_rising)]
"""Ascending; interpolated linearly and constant outside."""


def _check_name(value: object) -> str:
    """Pydantic's `str` rejects lone surrogates, which a file name may contain."""
    if not isinstance(value, str) or len(value) > _LONGEST_NAME:
        raise ValueError(f"a class is named by a text of at most {_LONGEST_NAME} characters")
    return value


ClassName = Annotated[str, PlainValidator(_check_name)]

Filter = Literal["lanczos"]
"""`lanczos`: with antialiasing, as in Pillow."""


class Preprocessing(BaseModel):
    """From an upright 8-bit RGB picture, with transparency over white, to class probabilities.

    The picture is made square by `fit` and resized to `image_size` with `filter`. The network takes
    (pixel / 255 - mean) / std. Its logits, averaged over the views of `tta`, divided by
    `temperature` and moved by `shifts` (`inference.calibrated`), give probabilities by softmax.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    classes: Annotated[tuple[ClassName, ...], Field(min_length=1, max_length=10_000)]
    """In the order of the outputs."""
    image_size: Annotated[int, Field(ge=1, le=1024)]
    """Height and width of the network's input, in pixels."""
    fit: Fit = "crop"
    """How pictures are made square."""
    filter: Filter = "lanczos"
    """How pictures are resized."""
    mean: tuple[Finite, Finite, Finite]
    """Channel means of the training images in [0, 1]."""
    std: tuple[Positive, Positive, Positive]
    tta: str
    """Test-time augmentation: a key of `inference.views.VIEWS`."""
    temperature: Positive = 1.0
    """Divides the logits; 1 until the network is calibrated."""
    shifts: Shifts = ()
    """Amounts added to the largest logit after that, by its log-odds."""
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    """Probability below which no label is given; None: there always is one."""

    def contract(self) -> dict[str, Any]:
        """The fields of this class as JSON values, without those of a subclass."""
        whole = self.model_dump(mode="json")
        return {name: whole[name] for name in Preprocessing.model_fields}
