"""Batched tensor transforms: uint8 images in, normalised floats out, on any device.

`Augment` is the training pipeline, `normalise` its part that evaluation shares, `Mix` the mixing of
images and labels. Every image of a batch draws its own parameters. The modules hold one operation
each, as a pure function of images and parameters, with the function that draws the parameters.
"""

from thriftnet.augment.mix import Mix
from thriftnet.augment.normalise import normalise
from thriftnet.augment.pipeline import Augment

__all__ = ["Augment", "Mix", "normalise"]
