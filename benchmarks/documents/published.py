"""Published results on CIFAR-10 to compare with ours, each with its source."""

from __future__ import annotations

from typing import Any

from reproductions.dreamfire2025.authors_log import read_authors_log

PUBLISHED: tuple[dict[str, Any], ...] = (
    {
        "name": "the paper (Dreamfire2025)",
        "accuracy": 0.918,
        "parameters": 4_918_602,
        "pflop": None,
        "time": None,
        "source": "https://github.com/seionv/DL_2025_Project1",
        "where": "its report's text",
    },
    {
        "name": "the paper, as logged",
        "accuracy": read_authors_log().test_accuracy[-1],
        "parameters": 4_918_602,
        "pflop": 12.0,  # 6 × 798.7M multiply-accumulates × 50 epochs × 50,000 images
        "time": "25 min, one cloud GPU",
        "source": "https://github.com/seionv/DL_2025_Project1",
        "where": "its log, last epoch; PFLOP counted",
    },
    {
        "name": "airbench94, Muon",
        "accuracy": 0.9401,
        "parameters": 1_971_352,
        "pflop": 0.29,
        "time": "2.6 s, one A100",
        "source": "https://github.com/KellerJordan/cifar10-airbench",
        "where": "README; parameters counted",
    },
    {
        "name": "DenseNet-BC, 100 layers, growth 12",
        "accuracy": 0.9549,
        "parameters": 800_000,
        "pflop": None,
        "time": None,
        "source": "https://arxiv.org/abs/1608.06993",
        "where": "table 2, C10+",
    },
    {
        "name": "airbench96, faster",
        "accuracy": 0.96,
        "parameters": 9_915_416,
        "pflop": 3.1,
        "time": "27 s, one A100",
        "source": "https://github.com/KellerJordan/cifar10-airbench",
        "where": "README; parameters counted",
    },
    {
        "name": "ResNet-18, standard training",
        "accuracy": 0.96,
        "parameters": 11_173_962,
        "pflop": 32.3,
        "time": "7 min, one A100",
        "source": "https://github.com/KellerJordan/cifar10-airbench",
        "where": "README; parameters counted",
    },
    {
        "name": "Efficient ResNets",
        "accuracy": 0.9604,
        "parameters": 4_700_000,
        "pflop": None,
        "time": None,
        "source": "https://arxiv.org/abs/2306.12100",
        "where": "abstract and tables",
    },
    {
        "name": "PC-DARTS",
        "accuracy": 0.9743,
        "parameters": 3_600_000,
        "pflop": None,
        "time": None,
        "source": "https://github.com/yuhuixu1993/PC-DARTS",
        "where": "README",
    },
    {
        "name": "Shake-Shake 26 2×32d, LatentAugment",
        "accuracy": 0.977,
        "parameters": 2_900_000,
        "pflop": None,
        "time": None,
        "source": "https://arxiv.org/abs/2305.02668",
        "where": "table",
    },
    {
        "name": "CCT-7/3x1, 5000 epochs",
        "accuracy": 0.98,
        "parameters": 3_760_000,
        "pflop": 1800.0,
        "time": None,
        "source": "https://github.com/SHI-Labs/Compact-Transformers",
        "where": "README; PFLOP counted",
    },
    {
        "name": "XNAS-Small, AutoAugment",
        "accuracy": 0.982,
        "parameters": 3_700_000,
        "pflop": 280.0,
        "time": None,
        "source": "https://github.com/NivNayman/XNAS",
        "where": "README; PFLOP counted",
    },
)
"""Sorted by accuracy. `parameters` in millions are rounded as published."""
