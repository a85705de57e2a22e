"""QR codes are read back by nothing here but their shape; what could break a page is."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from app.errors import Refusal
from app.operations.qrcodes import MAX_TEXT, qr_png, qr_svg


def test_svg_is_one_element_without_style_or_script_and_without_the_text():
    text = "https://example.org/?a=<script>&b=\"'"
    svg = qr_svg(text)
    root = ElementTree.fromstring(svg)
    assert root.tag.rpartition("}")[2] == "svg"
    assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {"svg", "g", "path"}
    assert "style" not in svg
    assert "script" not in svg


def test_different_texts_have_different_pictures():
    assert qr_png("https://a.example/").startswith(b"\x89PNG\r\n\x1a\n")
    assert qr_png("https://a.example/") != qr_png("https://b.example/")


def test_a_text_too_long_for_a_camera_is_refused():
    qr_png("a" * MAX_TEXT)
    with pytest.raises(Refusal, match="too long"):
        qr_svg("a" * (MAX_TEXT + 1))
