"""Model card of an exported folder: metadata for the hub, and how to use the network."""

from __future__ import annotations

from typing import Any

import yaml

from thriftnet.export.job import ExportJob
from thriftnet.inference.views import ABOUT, VIEWS
from thriftnet.models.preprocessing import Preprocessing
from thriftnet.plain import markdown
from thriftnet.weights.card import card_of

_SQUARE = {
    "crop": "It is cropped to its central square",
    "pad": "It is padded with white to a square",
    "squash": "It is squashed to a square",
}
_CIFAR10 = {"type": "uoft-cs/cifar10", "name": "CIFAR-10", "split": "test"}
_TASK = {"type": "image-classification", "name": "Image Classification"}


def render_card(job: ExportJob) -> str:
    """Render the README: YAML front matter, then Markdown."""
    head = yaml.safe_dump(card_metadata(job), sort_keys=False, allow_unicode=True)
    return f"---\n{head}---\n\n{_body(job)}"


def card_metadata(job: ExportJob) -> dict[str, Any]:
    """Metadata for the hub: task, data set and accuracy."""
    facts: dict[str, Any] = {
        "library_name": "thriftnet",
        "pipeline_tag": "image-classification",
        "tags": ["image-classification", "thriftnet", "pytorch"],
    }
    card = card_of(job.model.about)
    if card is None:
        return facts
    found = card.figure(job.preprocessing.tta, "fp32")
    facts = {"license": "mit", **facts, "datasets": [_CIFAR10["type"]], "metrics": ["accuracy"]}
    if found is not None:
        metric = {"type": "accuracy", "value": found.accuracy, "name": f"views: {found.tta}, fp32"}
        result = {"task": _TASK, "dataset": _CIFAR10, "metrics": [metric]}
        facts["model-index"] = [{"name": job.name, "results": [result]}]
    return facts


def _body(job: ExportJob) -> str:
    model, contract = job.model, job.preprocessing
    recipe = model.about.get("recipe")
    trained = f", trained by the recipe {markdown(str(recipe))}" if recipe else ""
    found = job.measured
    measured = (
        f" Test accuracy: {found} in {found.precision}, on {markdown(found.images)}."
        if found
        else ""
    )
    return f"""# {markdown(job.name)}

An image classifier of {model.parameters:,} parameters and {len(model.classes)} classes, made with
thriftnet{trained}.{measured}

## Use

```python
import thriftnet

model = thriftnet.load_model("PATH/OF/THIS/FOLDER")
print(model.predict_files(["photo.jpg"])[0])
```

or with transformers, for which thriftnet registers its classes:

```python
import thriftnet.hub
from transformers import pipeline

print(pipeline("image-classification", "PATH/OF/THIS/FOLDER")("photo.jpg"))
```

## From a picture to probabilities

{describe(contract)}

Classes, in the order of the outputs: {", ".join(map(markdown, model.classes))}.

It cannot answer "none of these": every picture gets one of its classes.
"""


def describe(contract: Preprocessing) -> str:
    """Describe the preprocessing in sentences."""
    side = contract.image_size
    many = f"The logits are the weighted mean over {len(VIEWS[contract.tta])} views"
    alone = contract.tta == "none"
    views = "The network sees the picture once" if alone else f"{many}: {ABOUT[contract.tta]}"
    mean = ", ".join(f"{value:.4f}" for value in contract.mean)
    std = ", ".join(f"{value:.4f}" for value in contract.std)
    hot = (
        f" The logits are divided by {contract.temperature:g}." if contract.temperature != 1 else ""
    )
    if contract.shifts:
        hot += " A monotone map then moves the largest one, so that its probability says how often "
        hot += "it is right."
    return (
        "A picture is rotated upright, blended with white where it is transparent, and converted "
        f"to 8-bit RGB. {_SQUARE[contract.fit]}, and resized to {side}×{side} pixels with Lanczos "
        "filtering over the whole area that each new pixel covers. The network takes "
        f"(pixel / 255 − mean) / std with mean {mean} and std {std}. {views}.{hot} "
        "Softmax gives the probabilities."
    )
