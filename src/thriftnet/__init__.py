"""Compact image classifiers, trained within a parameter and compute budget.

    import thriftnet
    run = thriftnet.train("smoke")
    print(thriftnet.evaluate(run.path).accuracy)
    print(thriftnet.predict(run.path, ["photo.jpg"])[0].label)

The functions are loaded on first use: importing torch takes seconds, and `thriftnet --help`
and the recipes need none of it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from thriftnet.errors import (
    DataError,
    ExportError,
    ImageError,
    RecipeError,
    RunError,
    ThriftnetError,
    TrackingError,
    TrainingError,
)

if TYPE_CHECKING:
    __version__: str
    from thriftnet import data
    from thriftnet.api import (
        Classifier,
        EpochStats,
        Evaluation,
        Exported,
        Prediction,
        Recipe,
        StepStats,
        StopTraining,
        TrainedRun,
        calibrate,
        compare,
        evaluate,
        export_model,
        load_model,
        load_recipe,
        predict,
        pull,
        push,
        robustness,
        track,
        train,
        write_report,
    )

__all__ = [
    "Classifier",
    "DataError",
    "EpochStats",
    "Evaluation",
    "ExportError",
    "Exported",
    "ImageError",
    "Prediction",
    "Recipe",
    "RecipeError",
    "RunError",
    "StepStats",
    "StopTraining",
    "ThriftnetError",
    "TrackingError",
    "TrainedRun",
    "TrainingError",
    "__version__",
    "calibrate",
    "compare",
    "data",
    "evaluate",
    "export_model",
    "load_model",
    "load_recipe",
    "predict",
    "pull",
    "push",
    "robustness",
    "track",
    "train",
    "write_report",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        return import_module("importlib.metadata").version("thriftnet")
    if name == "data":
        return import_module("thriftnet.data")
    if name in __all__:
        value = getattr(import_module("thriftnet.api"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'thriftnet' has no attribute {name!r}")
