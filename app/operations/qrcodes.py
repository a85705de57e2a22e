"""QR codes, with which a phone opens a link that a screen shows.

Both forms are black on white with the quiet zone that readers need (ISO/IEC 18004), also on a dark page. A text of more
than `MAX_TEXT` bytes is refused: its code would be too fine for a phone's camera, and slow to make.
"""

from __future__ import annotations

import functools
import io

import segno

from app.errors import Refusal

MAX_TEXT = 800
_SCALE = 4


def qr_svg(text: str) -> str:
    """An <svg> element to put into a page as it is; nothing of the text appears in it as markup."""
    return str(_code(text).svg_inline(scale=_SCALE, light="#fff", svgclass="qr", lineclass=None))


@functools.lru_cache(maxsize=64)
def qr_png(text: str) -> bytes:
    """A PNG picture."""
    picture = io.BytesIO()
    _code(text).save(picture, kind="png", scale=_SCALE, light="#fff")
    return picture.getvalue()


def _code(text: str) -> segno.QRCode:
    if len(text.encode("utf-8", "surrogatepass")) > MAX_TEXT:
        raise Refusal("this link is too long for a QR code")
    return segno.make_qr(text, error="m")
