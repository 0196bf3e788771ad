"""Batched tensor transforms: uint8 images in, normalised floats out, on any device.

`Augment` is the training pipeline, `normalise` its last step, which evaluation shares, and `Mix` is
mixup and CutMix. Parameters are drawn per image. Each module has one operation, a pure function of
images and parameters, and the function that draws the parameters.
"""

from thriftnet.augment.mix import Mix
from thriftnet.augment.normalise import normalise
from thriftnet.augment.pipeline import Augment

__all__ = ["Augment", "Mix", "normalise"]
