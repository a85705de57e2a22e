"""The record that announces versions: what is read, what is refused, what is newer."""

from __future__ import annotations

import pytest

from app.errors import WireError
from app.wire.announcement import Version, parse_announcement, parse_version


@pytest.mark.parametrize(
    ("texts", "version"),
    [
        ((b"v=UPDATES0; l=v0.0.17",), Version(0, 0, 17)),
        ((b"v=spf1 -all", b"v=UPDATES0;l=1.2.3; x=later"), Version(1, 2, 3)),
        ((b"V=updates0 ; L=v10.0.0;",), Version(10, 0, 0)),
    ],
)
def test_version_is_read(texts: tuple[bytes, ...], version: Version) -> None:
    assert parse_announcement(texts) == version


@pytest.mark.parametrize(
    "texts",
    [
        (),
        (b"v=spf1 -all",),
        (b"v=UPDATES1; l=v1.2.3",),
        (b"v=UPDATES0;",),
        (b"v=UPDATES0; l=v1.2",),
        (b"v=UPDATES0; l=v1.2.3-rc1",),
        (b"v=UPDATES0; l=v1.2.9999999",),
        (b"v=UPDATES0; l=\xd9\xa1.2.3",),
        (b"v=UPDATES0; l=v1.2.3", b"v=UPDATES0; l=v1.2.4"),
    ],
)
def test_anything_else_is_refused(texts: tuple[bytes, ...]) -> None:
    with pytest.raises(WireError):
        parse_announcement(texts)


def test_versions_compare_by_number() -> None:
    assert parse_version("0.10.0") > parse_version("v0.9.12")
