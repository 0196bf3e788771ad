"""A folder for Hugging Face's hub: weights, configuration, preprocessing and a card."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from thriftnet.errors import ExportError
from thriftnet.export.card import render_card
from thriftnet.export.job import ExportJob, Target
from thriftnet.files import write_whole
from thriftnet.inference.classifier import Classifier
from thriftnet.inference.onnx_runtime import Run
from thriftnet.models.hub_folder import CARD, CONFIG, MODEL_TYPE, PROCESSOR, WEIGHTS
from thriftnet.models.preprocessing import Preprocessing
from thriftnet.models.saved import SavedModel, read_model, save_model
from thriftnet.models.tensors import digest_halved

MODEL_CLASS = "ThriftnetForImageClassification"
PROCESSOR_CLASS = "ThriftnetImageProcessor"


def write_folder(job: ExportJob, path: Path) -> None:
    """Write a network as a hub folder; its weights file is an ordinary model file.

    Raises:
        ExportError: The disk is full or the folder cannot be written.
    """
    model = replace(job.model, tta=job.preprocessing.tta)
    path.mkdir(parents=True, exist_ok=True)
    save_model(path / WEIGHTS, model)
    texts = {
        CONFIG: _text(config_of(model)),
        PROCESSOR: _text(processor_config(job.preprocessing)),
        CARD: render_card(job),
    }
    for name, text in texts.items():
        write_whole(path / name, text.encode(), error=ExportError)


def config_of(model: SavedModel) -> dict[str, Any]:
    """Configuration for `AutoModelForImageClassification`."""
    return {
        "model_type": MODEL_TYPE,
        "architectures": [MODEL_CLASS],
        "dtype": "float32",
        "id2label": dict(enumerate(model.classes)),
        "label2id": {name: at for at, name in enumerate(model.classes)},
        "network": dict(model.architecture),
        "preprocessing": model.preprocessing.contract(),
        "calibrated_weights": digest_network(model.network),
        "about": {key: value for key, value in model.about.items() if key != "card"},
    }


def digest_network(network: nn.Module) -> str:
    """Digest of the weights, independent of their stored precision."""
    tensors = network.state_dict().items()
    return digest_halved({name: tensor.detach().cpu().numpy() for name, tensor in tensors})


def processor_config(preprocessing: Preprocessing) -> dict[str, Any]:
    """Configuration for `AutoImageProcessor`."""
    names = ("image_size", "fit", "filter", "mean", "std")
    contract = preprocessing.contract()
    return {"image_processor_type": PROCESSOR_CLASS, **{name: contract[name] for name in names}}


def open_folder(path: Path) -> Run:
    """Load the folder's network with `load_model`, in fp32."""
    return Classifier(read_model(path / WEIGHTS), device="cpu", precision="fp32").probabilities


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2) + "\n"


FOLDER = Target(
    about="a folder for Hugging Face's hub",
    suffix="-hub",
    write=write_folder,
    load=open_folder,
    folder=True,
)
