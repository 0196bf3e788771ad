"""The page as text: nothing in it that its engine, its names or its classes could break."""

from __future__ import annotations

import base64
import gzip
import json
import re
from html import unescape

from thriftnet.export.page.template import PageEngine, PageFacts, render, scripts
from thriftnet.models.preprocessing import Preprocessing

_ENGINE = PageEngine(scripts=scripts("lanczos.js"), whereabouts="Somewhere.", connect="'self'")


def facts(*classes: str) -> PageFacts:
    contract = Preprocessing(
        classes=classes, image_size=48, fit="pad", mean=(0, 0, 0), std=(1, 1, 1), tta="none"
    )
    rows = (("Parameters", "12"),)
    return PageFacts("<i>mine</i>", contract, rows, notes=("A & B",), footer="The end.")


def test_names_and_classes_are_text():
    html = render(
        facts("</script><script>alert(1)</script>", "<!-- embedded -->"), _ENGINE
    ).decode()
    assert "<h1>&lt;i&gt;mine&lt;/i&gt;</h1>" in html
    assert "<script>alert(1)" not in html
    assert "A &amp; B" in html
    found = re.search(r'id="facts">(.*?)</script>', html)
    assert found
    told = json.loads(found[1])
    assert told["classes"] == ["</script><script>alert(1)</script>", "<!-- embedded -->"]
    assert (told["image_size"], told["fit"], told["threshold"]) == (48, "pad", None)


def test_engine_says_where_requests_go():
    html = unescape(render(facts("a"), _ENGINE).decode())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy
    assert "connect-src 'self';" in policy[1]
    assert "default-src 'none';" in policy[1]
    assert policy[1].count("'sha256-") == html.count("<script>")
    assert "Somewhere." in html


def test_many_classes_are_counted():
    html = render(facts(*(f"class {number}" for number in range(1000))), _ENGINE).decode()
    assert "class 11 and 988 more" in html


def test_embedded_parts_come_back_and_equal_parts_make_equal_pages():
    parts = {"model": bytes(range(256)) * 40, "code": b"</script>"}
    engine = PageEngine(scripts=(), whereabouts="", embedded=parts)
    html = render(facts("a"), engine)
    assert html == render(facts("a"), engine)
    for name, content in parts.items():
        packed = re.search(rb'id="embedded-%s">([^<]*)</script>' % name.encode(), html)
        assert packed
        assert gzip.decompress(base64.b64decode(packed[1])) == content
