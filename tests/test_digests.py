"""What is read is what was written: every cut and every flipped bit of small texts."""

import io
import zipfile

import pytest

from thriftnet.digests import (
    ChangedError,
    dump_json,
    load_json,
    open_archive,
    open_yaml,
    seal_archive,
    seal_yaml,
)

VALUE = {"kind": "epoch", "loss": 0.1 + 0.2, "inner": [{"checksum": "mine"}], "text": 'é"'}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("value", [VALUE, {}])
def test_json_comes_back_or_is_refused(value: dict[str, object], indent: int | None):
    text = dump_json(value, indent=indent)
    assert load_json(text) == load_json(text.encode()) == value
    content = text.encode()
    for bit in range(8 * len(content)):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            found = load_json(bytes(changed))
        except ValueError:
            continue
        assert {key: found.get(key) for key in value} == value  # the key `checksum` was changed


def test_json_of_earlier_versions_has_no_checksum():
    assert load_json('{"step": 1}') == {"step": 1}
    for text in ("[]", "1", "{", '{"checksum": 1}', '{"a": ' * 100_000, "[" * 100_000):
        with pytest.raises(ValueError, match=r"object|Expecting|match|nested"):
            load_json(text)


def test_no_cut_of_yaml_is_other_yaml():
    text = seal_yaml("name: x\nseed: 12\nsizes:\n- 1\n- 2\n")
    assert open_yaml(text) == "name: x\nseed: 12\nsizes:\n- 1\n- 2\n"
    whole_line = text.index("\n") + 1
    for end in range(whole_line, len(text)):
        with pytest.raises(ChangedError, match="was cut or changed .*; restore it, or delete its"):
            open_yaml(text[:end])
    for end in range(whole_line):
        assert text[:end].startswith("#") or end == 0  # no key, and so no recipe
    assert open_yaml("name: x\n") == "name: x\n"


def _archive() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as opened:
        opened.writestr("a", b"some content")
    return content.getvalue()


ARCHIVE = _archive()


@pytest.mark.parametrize("content", [ARCHIVE, seal_archive(ARCHIVE)], ids=["before", "now"])
def test_archives_come_back_or_are_refused(content: bytes):
    assert open_archive(content) == ARCHIVE
    with zipfile.ZipFile(io.BytesIO(content)) as opened:  # the line after it is no harm
        assert opened.read("a") == b"some content"
    for at in range(len(ARCHIVE)):
        changed = bytearray(content)
        changed[at] ^= 1
        try:
            found = open_archive(bytes(changed))
        except ValueError:
            continue
        with zipfile.ZipFile(io.BytesIO(found)) as opened:
            assert opened.read("a") == b"some content"


def test_a_number_that_no_float_holds_is_refused():
    assert load_json(f'{{"a": [{2**63 - 1}, {-(10**17)}]}}') == {"a": [2**63 - 1, -(10**17)]}
    for digits in ("1" * 400, "-" + "9" * 310):
        with pytest.raises(ValueError, match="too many digits"):
            load_json(f'{{"a": [{digits}]}}')
