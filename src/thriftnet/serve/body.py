"""Parses the pictures in a request: raw, in a form, or in JSON."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from thriftnet.plain import plain
from thriftnet.serve.limits import Limits
from thriftnet.serve.problems import PictureFault, ProblemError

FIELD = "pictures"
"""Name of a form's fields and of the list in JSON."""
_NAME_CHARACTERS = 200
_ACCEPTED = "image/*, application/octet-stream, multipart/form-data, application/json"
_AS_THEY_ARE = {b"binary", b"8bit", b"7bit"}


class PictureBytes(NamedTuple):
    """A picture of a request."""

    name: str
    content: bytes


class JsonPicture(BaseModel):
    """A picture in JSON."""

    model_config = ConfigDict(extra="forbid", strict=True)

    data: str = Field(description="The file's bytes in base64.")
    name: str | None = Field(None, description="What answers call it.")


class JsonPictures(BaseModel):
    """The body of a request in JSON."""

    model_config = ConfigDict(extra="forbid", strict=True)

    pictures: Annotated[list[JsonPicture], Field(min_length=1)]


def pictures_of(body: bytes, content_type: str | None, limits: Limits) -> list[PictureBytes]:
    """Parse the pictures of a request.

    Args:
        body: The whole body.
        content_type: Of the request; None, an image type or `application/octet-stream` for the
            bytes of one picture.
        limits: Of the service.

    Returns:
        One or more pictures, not decoded.

    Raises:
        ProblemError: The body is empty, of another type, malformed or has too many pictures.
    """
    kind, options = parse_options_header(content_type)
    if not body:
        raise ProblemError(400, "the body is empty; send the bytes of a picture")
    if not kind or kind.startswith(b"image/") or kind == b"application/octet-stream":
        return [PictureBytes("picture 1", body)]
    if kind == b"multipart/form-data":
        return _Form(limits).parse(body, options.get(b"boundary", b""))
    if kind == b"application/json":
        return _json_pictures(body, limits)
    detail = f"{plain(kind.decode('latin-1'))} is not a picture; send one of: {_ACCEPTED}"
    if kind == b"application/x-www-form-urlencoded":
        detail += " (curl needs -H 'Content-Type: image/jpeg' with --data-binary)"
    raise ProblemError(415, detail, headers={"Accept-Post": _ACCEPTED})


def _picture_name(given: str | None, index: int) -> str:
    """Sanitise a name to one line; a plain file name stays as it is."""
    return plain(given or "")[:_NAME_CHARACTERS] or f"picture {index + 1}"


def _refuse_many(count: int, limits: Limits) -> None:
    if count > limits.pictures:
        raise ProblemError(
            413, f"more than {limits.pictures} pictures; send them in several requests"
        )


def _json_pictures(body: bytes, limits: Limits) -> list[PictureBytes]:
    try:
        given = JsonPictures.model_validate_json(body).pictures
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "body"
        raise ProblemError(400, f"the JSON is invalid: {plain(where)}: {first['msg']}") from None
    _refuse_many(len(given), limits)
    found: list[PictureBytes] = []
    for index, each in enumerate(given):
        name = _picture_name(each.name, index)
        try:
            content = base64.b64decode(each.data, validate=True)
        except (binascii.Error, ValueError) as fault:
            detail = f"{name} is not base64 ({fault}); leave out line breaks and a data: prefix"
            fault_of = PictureFault(index=index, name=name, detail=detail)
            raise ProblemError(400, detail, pictures=[fault_of]) from None
        found.append(PictureBytes(name, content))
    return found


class _Form:
    """Collects a form's parts from the parser's callbacks."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.found: list[PictureBytes] = []
        self.ended = False
        self._field, self._value = b"", b""
        self._headers: dict[bytes, bytes] = {}
        self._name = ""
        self._content: list[bytes] = []

    def parse(self, body: bytes, boundary: bytes) -> list[PictureBytes]:
        """Parse all pictures of a form.

        Raises:
            ProblemError: The form is malformed or has something other than pictures.
        """
        if not boundary:
            raise ProblemError(400, "the form's Content-Type has no boundary")
        try:
            parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._add_field,
                    "on_header_value": self._add_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                    "on_part_data": self._add_data,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
            )
            parser.write(body)
            parser.finalize()
        except FormParserError as fault:
            raise ProblemError(400, f"the form is malformed: {plain(str(fault))}") from None
        if not self.ended:
            raise ProblemError(400, "the form is malformed: it ends before its last boundary")
        if not self.found:
            raise ProblemError(400, f"the form is empty; send pictures in fields named {FIELD}")
        return self.found

    def _begin(self) -> None:
        _refuse_many(len(self.found) + 1, self.limits)
        self._headers = {}
        self._content = []

    def _add_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field, self._value = b"", b""

    def _end_headers(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"")
        _, options = parse_options_header(disposition.decode("latin-1"))
        field = options.get(b"name", b"").decode("utf-8", "replace")
        if field != FIELD:
            told = plain(field)[:_NAME_CHARACTERS]
            raise ProblemError(400, f"unknown field {told!r}; pictures go in fields named {FIELD}")
        given = options.get(b"filename", b"").decode("utf-8", "replace")
        self._name = _picture_name(given, len(self.found))
        encoding = self._headers.get(b"content-transfer-encoding", b"binary").strip().lower()
        if encoding not in _AS_THEY_ARE:
            told = plain(encoding.decode("latin-1"))
            raise ProblemError(400, f"{self._name} is sent as {told}; send its bytes as they are")

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        self._content.append(data[start:end])

    def _end_part(self) -> None:
        self.found.append(PictureBytes(self._name, b"".join(self._content)))

    def _end(self) -> None:
        self.ended = True
