"""A trained network with preprocessing and softmax: bytes in, probabilities out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from thriftnet.inference.calibrated import calibrated
from thriftnet.inference.views import TRANSFORMS, choose_views
from thriftnet.models.fold import folded
from thriftnet.models.preprocessing import Preprocessing
from thriftnet.runtime.layout import with_layout


class ExportedNetwork(nn.Module):
    """The folded network in fp32 between normalisation and softmax, in plain operations.

    Args:
        network: Normalised images (N, 3, H, W) to logits (N, classes).
        preprocessing: Applied before and after; its views become part of the graph.
    """

    def __init__(self, network: nn.Module, preprocessing: Preprocessing) -> None:
        super().__init__()
        plain = folded(network).float().cpu()
        self.network = with_layout(plain, torch.contiguous_format)
        self.views = choose_views(preprocessing.tta)
        self.temperature = preprocessing.temperature
        self.shifts = preprocessing.shifts
        mean, std = torch.tensor(preprocessing.mean), torch.tensor(preprocessing.std)
        self.scale: Tensor
        self.shift: Tensor
        self.weights: Tensor
        self.register_buffer("scale", (1 / (255 * std)).view(1, 3, 1, 1))
        self.register_buffer("shift", (-mean / std).view(1, 3, 1, 1))
        self.register_buffer("weights", torch.tensor([*self.views.values()]).view(-1, 1, 1))
        self.eval()
        for parameter in self.parameters():
            parameter.requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        """(N, H, W, 3) uint8 RGB to class probabilities (N, classes) float32."""
        x = images.permute(0, 3, 1, 2).to(torch.float32) * self.scale + self.shift  # (N, 3, H, W)
        if len(self.views) == 1:
            logits = self.network(x)
        else:
            # One pass over all views: the graph contains the network and its weights once.
            shown = torch.cat([TRANSFORMS[view](x) for view in self.views])  # (views · N, 3, H, W)
            each = self.network(shown)
            each = each.view(len(self.views), -1, each.shape[1])  # (views, N, classes)
            logits = (each * self.weights).sum(0)
        if self.temperature != 1 or self.shifts:
            logits = calibrated(logits, self.temperature, self.shifts)
        return logits.softmax(dim=1)
