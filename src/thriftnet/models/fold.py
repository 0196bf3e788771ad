"""Folds batch norms into the preceding convolutions, for faster inference."""

from __future__ import annotations

import copy

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from thriftnet.models.resnet import BasicBlock
from thriftnet.models.speednet import ConvGroup


def folded(network: nn.Module) -> nn.Module:
    """A copy in evaluation mode with batch norms folded into convolutions.

    Logits are equal up to rounding. In a `ConvGroup`, a max pool between the two commutes with the
    norm, whose scale is fixed at 1 and so positive.
    """
    network = copy.deepcopy(network).eval()
    for module in network.modules():
        if isinstance(module, BasicBlock):
            module.conv1 = _fold(module.conv1, module.norm1)
            module.conv2 = _fold(module.conv2, module.norm2)
            module.norm1, module.norm2 = nn.Identity(), nn.Identity()
        elif isinstance(module, ConvGroup):
            for index, (conv, norm) in enumerate(zip(module.convs, module.norms, strict=True)):
                module.convs[index] = _fold(conv, norm)
                module.norms[index] = nn.Identity()
        elif isinstance(module, nn.Sequential) and len(module) > 1:  # stem and projection shortcut
            conv, norm = module[0], module[1]
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                module[0], module[1] = _fold(conv, norm), nn.Identity()
    return network


def _fold(conv: nn.Module, norm: nn.Module) -> nn.Conv2d:
    assert isinstance(conv, nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm2d)
    return fuse_conv_bn_eval(conv, norm)
