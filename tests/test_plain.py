"""Text from strangers on its way to a terminal."""

import pytest

from thriftnet.errors import ThriftnetError
from thriftnet.plain import plain, plain_lines, to_stderr


@pytest.mark.parametrize(
    "harmful",
    list("\x1b\x07\r\x7f\x9b\u202e\u2066\u200b\u2028\udc80\ufeff"),
)
def test_what_could_harm_is_replaced(harmful: str):
    assert plain(f"a{harmful}b") == "a�b"
    assert plain_lines(f"a{harmful}b") == "a�b"


@pytest.mark.parametrize(
    "kept", ["é", "日本", "\u00a0", "\u202f", "👩\u200d👧", "می\u200cروم", "[red]"]
)
def test_what_people_write_is_kept(kept: str):
    assert plain(kept) == kept


def test_line_breaks_are_kept_in_texts_alone():
    assert plain("a\n\tb") == "a��b"
    assert plain_lines("a\n\tb") == "a\n\tb"


def test_a_message_is_one_clean_line(capsys: pytest.CaptureFixture[str]):
    to_stderr("npm says\x1b]0;title\x07\nthriftnet: all is well")
    assert capsys.readouterr().err == "npm says�]0;title��thriftnet: all is well\n"


def test_an_error_is_one_clean_line():
    fault = ThriftnetError("cannot read a\x1b[2J\nb\u202e.png; rename it")
    assert str(fault) == "cannot read a�[2J b�.png; rename it"
