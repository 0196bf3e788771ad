"""Errors as RFC 9457 problem documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from pydantic import BaseModel, Field
from pydantic_core import to_json
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"


class PictureFault(BaseModel):
    """The error of one picture of a request."""

    index: int
    name: str
    detail: str


class ProblemDocument(BaseModel):
    """Schema of a problem (RFC 9457)."""

    type: str = "about:blank"
    title: str = Field(description="The phrase of the status.")
    status: int
    detail: str = Field(description="What is wrong, and what to do.")
    pictures: list[PictureFault] | None = Field(
        None, description="The pictures that were refused, where pictures are what is wrong."
    )


class ProblemError(Exception):
    """A refused request."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        pictures: Sequence[PictureFault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.pictures = list(pictures)
        self.headers = dict(headers or {})

    def body(self) -> bytes:
        """The document."""
        document: dict[str, object] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.pictures:
            document["pictures"] = self.pictures
        return to_json(document)

    def response(self) -> Response:
        """The document as a response."""
        return Response(self.body(), self.status, self.headers, MEDIA_TYPE)
