"""Schemas of the answers in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from thriftnet.serve.body import FIELD, JsonPictures
from thriftnet.serve.problems import MEDIA_TYPE, ProblemDocument


class Activation(BaseModel):
    """Activation map of a picture."""

    grid: list[list[float]] = Field(
        description="How much each position adds to the logit of the class, row by row."
    )
    size: int = Field(description="Height and width of the network's input in pixels.")
    pixels: str = Field(description="The network's input: RGB bytes, row by row, in base64.")


class PredictedPicture(BaseModel):
    """Prediction for one picture."""

    name: str = Field(description="As it was sent, or `picture 3`.")
    label: str | None = Field(
        description="Null if the probability is below the network's threshold, and for an outlier."
    )
    index: int | None = Field(description="Index of the label among the classes.")
    probability: float
    probabilities: dict[str, float] = Field(
        description="Probability of every class, most probable first."
    )
    outlier: bool | None = Field(
        None,
        description="Whether the picture is unlike those of the training; absent if not tested.",
    )
    activation: Activation | None = None


class Predictions(BaseModel):
    """Answer to a request: one prediction per picture, in order."""

    predictions: list[PredictedPicture]


class ModelDescription(BaseModel):
    """The network of the service."""

    name: str
    digest: str = Field(description="SHA-256 of the weights.")
    parameters: int | None = Field(description="Null for an ONNX file.")
    precision: str
    device: str
    activation: bool = Field(description="Whether it has activation maps.")
    reject_outliers: float | None = Field(
        description="Share of usual pictures that may be taken for outliers; null: no test."
    )
    preprocessing: dict[str, Any] = Field(description="Steps from a picture to probabilities.")
    limits: dict[str, int | float] = Field(description="Limits of requests.")


class State(BaseModel):
    """Health of the service."""

    status: str


def _binary(kind: str) -> dict[str, Any]:
    return {kind: {"schema": {"type": "string", "format": "binary"}}}


def _schema(model: type[BaseModel]) -> Any:
    """The JSON schema of a model, with its definitions inlined: OpenAPI allows none inside one."""
    schema = model.model_json_schema(ref_template="{model}")
    definitions = schema.pop("$defs", {})

    def inline(value: Any) -> Any:
        if isinstance(value, dict):
            found = definitions.get(value.get("$ref"))
            return inline(found) if found else {k: inline(v) for k, v in value.items()}
        return [inline(each) for each in value] if isinstance(value, list) else value

    return inline(schema)


REQUEST_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        **_binary("image/*"),
        **_binary("application/octet-stream"),
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": [FIELD],
                "additionalProperties": False,
                "properties": {
                    FIELD: {
                        "type": "array",
                        "minItems": 1,
                        "items": {"type": "string", "format": "binary"},
                    }
                },
            }
        },
        "application/json": {"schema": _schema(JsonPictures)},
    },
}
"""Request body of a prediction."""

PARAMETERS: list[dict[str, Any]] = [
    {
        "name": "activation",
        "in": "query",
        "required": False,
        "description": "If true, the answer has an activation map; for one picture only.",
        "schema": {"type": "boolean", "default": False},
    }
]

_WHY = {
    400: "The body or the query is invalid",
    401: "The token is missing or wrong",
    403: "The host is not one of this service's",
    404: "There is no such path",
    405: "The method is not allowed",
    408: "The body did not arrive in time",
    413: "The body is too large, or has too many pictures",
    415: "The body is not a picture",
    422: "A picture cannot be used",
    429: "Too many requests are waiting",
    503: "The service is not ready",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the errors of a route."""
    content = {MEDIA_TYPE: {"schema": _schema(ProblemDocument)}}
    return {each: {"description": _WHY[each], "content": content} for each in statuses}
