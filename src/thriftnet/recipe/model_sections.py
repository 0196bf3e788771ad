"""The model sections of a recipe, one for each family of networks."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from thriftnet.recipe.section import Counts, Fraction, PositiveInts, Section


class ResNetSection(Section):
    """A BasicBlock residual network for 32x32 images (He et al. 2015), the paper's family."""

    family: Literal["resnet"] = "resnet"
    """The paper's family."""
    blocks: Counts = (3, 5, 3, 0)
    """Residual blocks of each stage; a stage of 0 is left out and does not downsample."""
    channels: PositiveInts = (64, 128, 256, 512)
    """Output channels of each stage; the stem has as many as the first."""
    activation: Literal["relu", "gelu", "silu"] = "relu"
    """Activation function after every norm."""
    shortcut: Literal["projection", "padded"] = "projection"
    """Where shapes change: a 1x1 convolution with batch norm, or striding with zero channels."""
    squeeze_excitation: Annotated[int, Field(ge=0)] = 0
    """Reduction ratio of squeeze-and-excitation in each block; 0 is off."""
    zero_init_last: bool = False
    """Whether each block starts as the identity: scale 0 in its last batch norm."""
    stochastic_depth: Fraction = 0.0
    """Drop probability of the last block; earlier blocks in proportion to their depth."""

    @model_validator(mode="after")
    def _stages_agree(self) -> Self:
        if len(self.blocks) != len(self.channels):
            msg = (
                f"model.blocks has {len(self.blocks)} stages and model.channels "
                f"{len(self.channels)}; give both one entry per stage"
            )
            raise ValueError(msg)
        if sum(self.blocks) == 0:
            raise ValueError("model.blocks has no block; give at least one stage a block")
        return self


class SpeedNetSection(Section):
    """A network made to train fast: frozen whitening stem, then pooled convolution groups."""

    family: Literal["speednet"]
    """Made to train fast."""
    blocks: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (2, 2, 2)
    """Convolutions of each group; each group halves the resolution after its first."""
    channels: PositiveInts = (64, 256, 256)
    """Output channels of each group."""
    activation: Literal["relu", "gelu", "silu"] = "gelu"
    """Activation function after every norm."""
    residual: bool = True
    """Whether every convolution after a group's first adds its input back."""
    stem_kernel: Literal[2, 3] = 2
    """Side of the whitened patches; after 3x3 ones the first convolution has no padding either, so
    that the groups' grids are 14, 7 and 3 pixels wide."""
    stem_channels: Annotated[int, Field(ge=2, multiple_of=2)] = 24
    """Channels of the stem: whitening filters, each with both signs; at most twice the values of a
    patch."""

    @model_validator(mode="after")
    def _groups_agree(self) -> Self:
        if len(self.blocks) != len(self.channels):
            msg = (
                f"model.blocks has {len(self.blocks)} groups and model.channels "
                f"{len(self.channels)}; give both one entry per group"
            )
            raise ValueError(msg)
        if len(self.blocks) > 4:
            raise ValueError(
                f"model.blocks has {len(self.blocks)} groups, and each halves the image; use at "
                "most 4"
            )
        most = 2 * 3 * self.stem_kernel**2
        if self.stem_channels > most:
            raise ValueError(
                f"model.stem_channels={self.stem_channels} is more than twice the values of a "
                f"patch of {self.stem_kernel}x{self.stem_kernel} pixels; use at most {most}"
            )
        return self

    def last_grid(self, side: int) -> int:
        """Width in pixels of the last group's grid, from images of that side."""
        grid = side - self.stem_kernel + 1
        if self.stem_kernel == 3:
            grid -= 2
        return grid // 2 ** len(self.blocks)


ModelSection = Annotated[ResNetSection | SpeedNetSection, Field(discriminator="family")]
