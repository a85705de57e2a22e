"""Files of a directory for browsers: what is found, what is not, parts, conditions and smaller forms."""

from __future__ import annotations

import asyncio
import gzip
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pytest
from starlette.types import Message, Scope

from app.config.webhandlers import WebStatic
from app.web.sites.conditions import asked_fields, condition
from app.web.sites.filecontent import SMALL, Contents
from app.web.sites.openfile import look
from app.web.sites.staticfiles import StaticFiles, StaticOptions

TEXT = b"".join(b"line %d of a text that gets smaller\n" % number for number in range(200))
NOT_HANDLED = 0


@dataclass
class _Reply:
    status: int
    headers: dict[str, str]
    body: bytes


class _Site:
    """A directory with files, and what is said about them."""

    def __init__(self, folder: Path, *, compress: bool = False, **settings: object) -> None:
        self.root = folder / "www"
        self.root.mkdir(exist_ok=True)
        setting = WebStatic(root=str(self.root), **settings)  # type: ignore[arg-type]
        self.files = StaticFiles(setting, StaticOptions.below(folder / "tmp"), compress=compress)

    def write(self, name: str, data: bytes = b"hello\n") -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def ask(self, path: str, fields: Mapping[str, str] | None = None, method: str = "GET") -> _Reply:
        return asyncio.run(self.ask_async(path, fields or {}, method))

    async def ask_async(self, path: str, fields: Mapping[str, str], method: str = "GET") -> _Reply:
        path, _, query = path.partition("?")
        scope: Scope = {
            "type": "http",
            "method": method,
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in fields.items()],
        }
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        if not await self.files.answer(scope, receive, send):
            assert sent == []
            return _Reply(NOT_HANDLED, {}, b"")
        body = b"".join(message.get("body", b"") for message in sent[1:])
        headers = {name.decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
        assert len(headers) == len(sent[0]["headers"]), "a field was sent twice"
        if method != "HEAD" and sent[0]["status"] != 304:
            assert int(headers["content-length"]) == len(body)
        return _Reply(sent[0]["status"], headers, body)


@pytest.fixture
def site(tmp_path: Path) -> _Site:
    made = _Site(tmp_path)
    made.write("a.txt")
    made.write("dir/index.html", b"<p>index</p>")
    made.write("empty/.keep", b"")
    return made


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/a.txt", 200),
        ("/dir/", 200),
        ("/dir", 307),
        ("/empty/", 403),
        ("/a.txt/", 404),
        ("/none", 404),
        ("/a.txt/b", 404),
        ("/" + "n" * 300, 404),
        ("/" + "n/" * 3000, 404),
        ("/a%00.txt", 404),
        ("/%ff", 404),
        ("/a.txt%20", 404),
        ("/dir\\index.html", 404),
    ],
)
def test_what_is_found(site: _Site, path: str, status: int) -> None:
    assert site.ask(path).status == status


def test_file_has_its_type_length_and_marks(site: _Site) -> None:
    reply = site.ask("/a.txt")
    assert reply.body == b"hello\n"
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["etag"].startswith('"')
    assert reply.headers["last-modified"].endswith(" GMT")
    assert site.ask("/a.txt", method="HEAD") == _Reply(200, reply.headers, b"")


def test_directory_is_redirected_to_itself_with_a_slash(site: _Site) -> None:
    assert site.ask("/dir?a=b").headers["location"] == "/dir/?a=b"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_only_get_and_head(site: _Site, method: str) -> None:
    reply = site.ask("/a.txt", method=method)
    assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(("path", "method"), [("/none", "GET"), ("/empty/", "GET"), ("/a.txt", "POST"), ("/x/", "GET")])
def test_what_is_not_found_is_left_to_the_next(tmp_path: Path, path: str, method: str) -> None:
    site = _Site(tmp_path, continue_not_found=True)
    site.write("a.txt")
    site.write("empty/.keep")
    assert site.ask(path, method=method).status == NOT_HANDLED
    assert site.ask("/a.txt").status == 200


def test_prefix_is_stripped(tmp_path: Path) -> None:
    site = _Site(tmp_path, strip_prefix="/files/", response_headers={"Cache-Control": "no-store", "ETag": '"x"'})
    site.write("a.txt")
    reply = site.ask("/files/a.txt")
    assert (reply.status, reply.headers["cache-control"], reply.headers["etag"]) == (200, "no-store", '"x"')
    assert site.ask("/a.txt").status == 404


def test_list_shows_what_is_there_and_escapes_names(tmp_path: Path) -> None:
    site = _Site(tmp_path, list_files=True)
    for name in ("b & <b>.txt", "sub/x", "#1?.txt", "é.txt"):
        site.write(name)
    os.mkfifo(site.root / "pipe")
    (site.root / "gone").symlink_to("nowhere")
    (site.root / "outside").symlink_to("/etc/passwd")
    (site.root / "inside").symlink_to("sub")
    page = site.ask("/").body.decode()
    assert '<a href="./b%20%26%20%3Cb%3E.txt">b &amp; &lt;b&gt;.txt</a>' in page
    assert '<a href="./sub/">sub/</a>' in page
    assert '<a href="./%231%3F.txt">' in page
    assert '<a href="./%C3%A9.txt">' in page
    assert "pipe" not in page
    assert "gone" not in page
    assert "outside" not in page
    assert '<a href="./inside/">' in page
    assert "One directory up" not in page
    assert "One directory up" in site.ask("/sub/").body.decode()


def test_nothing_leads_out_of_the_root(tmp_path: Path, site: _Site) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "www2").mkdir()
    (tmp_path / "www2" / "x").write_text("neighbour with a longer name")
    for name, target in {
        "out": "../secret",
        "absolute": str(tmp_path / "secret"),
        "up": "..",
        "near": "../www2",
        "loop": "loop",
        "dir-out": "../www2",
    }.items():
        (site.root / name).symlink_to(target)
    os.mkfifo(site.root / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(site.root / "socket"))
        for path in (
            "/out",
            "/absolute",
            "/up/secret",
            "/up/",
            "/near/x",
            "/loop",
            "/pipe",
            "/socket",
            "/../secret",
            "/dir-out",
        ):
            assert site.ask(path).status == 404, path
    (site.root / "within").symlink_to("a.txt")
    assert site.ask("/within").body == b"hello\n"


def test_what_one_handler_may_show_another_may_not(tmp_path: Path, site: _Site) -> None:
    (tmp_path / "secret").write_text("secret")
    (site.root / "out").symlink_to("../secret")
    settings = WebStatic(root=str(tmp_path))
    contents = site.files._options.contents
    above = StaticFiles(
        settings, StaticOptions(contents=contents, compressed=site.files._options.compressed), compress=False
    )
    mine, site.files = site.files, above
    assert site.ask("/www/out").body == b"secret"
    site.files = mine
    assert site.ask("/out").status == 404


def test_file_whose_rights_were_changed_is_looked_at_again(site: _Site) -> None:
    site.ask("/a.txt")
    path = site.root / "a.txt"
    before = look(str(path))[1]
    path.chmod(0o600)
    after = look(str(path))[1]
    assert (before.etag == after.etag, before == after) == (True, False)


def test_root_may_be_a_link_that_is_switched(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text(name)
    (tmp_path / "www").symlink_to("one")
    site = _Site(tmp_path)
    assert site.ask("/a.txt").body == b"one"
    (tmp_path / "new").symlink_to("two")
    (tmp_path / "new").rename(tmp_path / "www")
    assert site.ask("/a.txt").body == b"two"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_file_that_we_may_not_read_is_forbidden(site: _Site) -> None:
    (site.root / "a.txt").chmod(0)
    assert site.ask("/a.txt").status == 403


def test_changed_file_is_seen_at_once(site: _Site) -> None:
    before = site.ask("/a.txt").headers["etag"]
    site.write("a.txt", b"other\n")
    reply = site.ask("/a.txt")
    assert reply.body == b"other\n"
    assert reply.headers["etag"] != before
    (site.root / "a.txt").unlink()
    assert site.ask("/a.txt").status == 404


@pytest.mark.parametrize("size", [10, SMALL, SMALL + 1, 3 * SMALL])
def test_every_size_is_sent_whole(site: _Site, size: int) -> None:
    data = os.urandom(size)
    site.write("file", data)
    assert site.ask("/file").body == data
    assert site.ask("/file", {"Range": f"bytes={size - 3}-"}).body == data[-3:]


@pytest.mark.parametrize(
    ("range_", "status", "body", "content_range"),
    [
        ("bytes=0-0", 206, b"0", "bytes 0-0/10"),
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-30", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=5-100", 206, b"56789", "bytes 5-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=-0", 416, b"", "bytes */10"),
        ("bytes=4-2", 200, b"0123456789", None),
        ("bytes=a-b", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
        ("bytes=" + "0-1," * 1000, 200, b"0123456789", None),
        ("bytes=0-9,0-9", 200, b"0123456789", None),  # more than the whole
        ("bytes=99999999999999999999-", 200, b"0123456789", None),
    ],
)
def test_ranges(site: _Site, range_: str, status: int, body: bytes, content_range: str | None) -> None:
    site.write("digits", b"0123456789")
    reply = site.ask("/digits", {"Range": range_})
    assert (reply.status, reply.body, reply.headers.get("content-range")) == (status, body, content_range)


@pytest.mark.parametrize("range_", ["bytes=0-3", "bytes=50-"])
def test_ranges_mean_something_for_get_only(site: _Site, range_: str) -> None:
    reply = site.ask("/a.txt", {"Range": range_}, "HEAD")
    assert (reply.status, reply.headers["content-length"]) == (200, "6")


def test_several_ranges_come_as_parts(site: _Site) -> None:
    site.write("digits.txt", b"0123456789")
    reply = site.ask("/digits.txt", {"Range": "bytes=0-1, -2,50-60"})
    kind, boundary, _ = reply.headers["content-type"].split('"')
    assert kind == "multipart/byteranges; boundary="
    assert reply.status == 206
    assert reply.body.decode() == (
        f"--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 0-1/10\r\n\r\n01\r\n"
        f"--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 8-9/10\r\n\r\n89\r\n"
        f"--{boundary}--\r\n"
    )


def test_configured_fields_are_on_lists_and_around_parts(tmp_path: Path) -> None:
    site = _Site(tmp_path, list_files=True, response_headers={"X-Added": "é", "Content-Type": "text/html"})
    site.write("digits", b"0123456789")
    page = site.ask("/")
    assert (page.headers["x-added"], page.headers["content-type"]) == ("é", "text/html; charset=utf-8")
    assert site.ask("/digits").headers["content-type"] == "text/html"
    parts = site.ask("/digits", {"Range": "bytes=0-1,4-5"})
    assert parts.headers["content-type"].startswith("multipart/byteranges")
    assert parts.body.count(b"Content-Type: text/html\r\n") == 2


def test_file_from_the_future_tells_no_date(site: _Site) -> None:
    os.utime(site.root / "a.txt", (9e9, 9e9))
    assert "last-modified" not in site.ask("/a.txt").headers


def test_fields_that_come_twice_are_one_list() -> None:
    raw = [(b"if-match", b'"a"'), (b"host", b"x"), (b"accept-encoding", b"br"), (b"if-match", b'"b"')]
    assert asked_fields(raw) == {"if-match": '"a", "b"', "accept-encoding": "br"}


def test_date_without_a_zone_is_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        fields = {"if-modified-since": "Sun Nov  6 08:49:37 1994"}  # 784111777
        assert [condition(fields, '"x"', moment) for moment in (784111777, 784111778)] == [304, 200]
    finally:
        monkeypatch.undo()
        time.tzset()


OLD, NEW = "Mon, 01 Jan 1990 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"If-None-Match": "ETAG"}, 304),
        ({"If-None-Match": 'W/ETAG, "other"'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"other"'}, 200),
        ({"If-None-Match": '"other"', "If-Modified-Since": NEW}, 200),  # the tag decides
        ({"If-Modified-Since": NEW}, 304),
        ({"If-Modified-Since": OLD}, 200),
        ({"If-Modified-Since": "yesterday"}, 200),
        ({"If-Match": "ETAG"}, 200),
        ({"If-Match": "W/ETAG"}, 412),
        ({"If-Match": '"other"'}, 412),
        ({"If-Unmodified-Since": OLD}, 412),
        ({"If-Unmodified-Since": NEW}, 200),
        ({"If-Match": "ETAG", "If-Unmodified-Since": OLD}, 200),
        ({"Range": "bytes=0-0", "If-Range": "ETAG"}, 206),
        ({"Range": "bytes=0-0", "If-Range": "W/ETAG"}, 200),
        ({"Range": "bytes=0-0", "If-Range": '"other"'}, 200),
        ({"Range": "bytes=0-0", "If-Range": OLD}, 200),
        ({"Range": "bytes=0-0", "If-None-Match": "ETAG"}, 304),
    ],
)
def test_conditions(site: _Site, fields: dict[str, str], status: int) -> None:
    etag = site.ask("/a.txt").headers["etag"]
    reply = site.ask("/a.txt", {name: value.replace("ETAG", etag) for name, value in fields.items()})
    assert reply.status == status
    assert reply.body == (b"h" if status == 206 else b"hello\n" if status == 200 else b"")


@pytest.fixture
def small(tmp_path: Path) -> _Site:
    site = _Site(tmp_path, compress=True)
    site.write("a.txt", TEXT)
    return site


def test_text_is_sent_compressed_to_who_takes_it(small: _Site) -> None:
    reply = small.ask("/a.txt", {"Accept-Encoding": "gzip;q=1.0"})
    assert (reply.headers["content-encoding"], reply.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert gzip.decompress(reply.body) == TEXT
    plain = small.ask("/a.txt")
    assert (plain.body, plain.headers["vary"]) == (TEXT, "Accept-Encoding")
    assert plain.headers["etag"] != reply.headers["etag"]
    assert small.ask("/a.txt", {"Accept-Encoding": "gzip", "If-None-Match": reply.headers["etag"]}).status == 304
    part = small.ask("/a.txt", {"Accept-Encoding": "gzip", "Range": "bytes=0-3"})
    assert (part.body, "content-encoding" in part.headers) == (TEXT[:4], False)


def test_compressed_form_is_never_stale_and_survives_a_restart(small: _Site, tmp_path: Path) -> None:
    small.ask("/a.txt", {"Accept-Encoding": "gzip"})
    (made,) = (tmp_path / "tmp").iterdir()
    (tmp_path / "tmp" / "left.gz.part7").write_text("half")
    small.write("a.txt", TEXT + b"new")
    again = _Site(tmp_path, compress=True)
    assert gzip.decompress(again.ask("/a.txt", {"Accept-Encoding": "gzip"}).body) == TEXT + b"new"
    assert made.exists()
    assert not (tmp_path / "tmp" / "left.gz.part7").exists()
    for path in (tmp_path / "tmp").iterdir():
        path.unlink()
    assert again.ask("/a.txt", {"Accept-Encoding": "gzip"}).body == TEXT + b"new"  # and next time it is made again
    assert gzip.decompress(again.ask("/a.txt", {"Accept-Encoding": "gzip"}).body) == TEXT + b"new"


def test_forms_that_lie_beside_are_used_while_they_are_not_older(small: _Site) -> None:
    form = small.write("a.txt.br", b"brotli")
    reply = small.ask("/a.txt", {"Accept-Encoding": "gzip, br"})
    assert (reply.body, reply.headers["content-encoding"]) == (b"brotli", "br")
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    form.write_bytes(b"other!")
    assert small.ask("/a.txt", {"Accept-Encoding": "br"}).headers["etag"] != reply.headers["etag"]
    os.utime(form, (1, 1))
    assert small.ask("/a.txt", {"Accept-Encoding": "gzip, br"}).headers["content-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("name", "data"), [("a.png", TEXT), ("small.txt", b"x" * 100), ("noise.txt", os.urandom(4096))]
)
def test_what_does_not_get_smaller_is_sent_as_it_is(small: _Site, name: str, data: bytes) -> None:
    small.write(name, data)
    assert small.ask(f"/{name}", {"Accept-Encoding": "gzip"}).body == data


@pytest.mark.parametrize(
    ("fields", "status"),
    [({"If-None-Match": "*"}, 304), ({"If-Match": '"x"'}, 412), ({}, 200), ({"If-Range": '"x"'}, 200)],
)
@pytest.mark.parametrize("name", ["big.txt", "larger.txt"])
def test_no_file_is_left_open(small: _Site, name: str, fields: dict[str, str], status: int) -> None:
    small.write("big.txt", os.urandom(2 * SMALL).hex().encode())
    small.write("larger.txt", b"x" * (SMALL + 1))
    small.write("larger.txt.gz", os.urandom(SMALL + 100))
    asked = {"Accept-Encoding": "gzip", **fields}
    small.ask(f"/{name}", asked)
    before = len(os.listdir("/proc/self/fd"))
    assert [small.ask(f"/{name}", asked).status for _ in range(5)] == [status] * 5
    assert len(os.listdir("/proc/self/fd")) == before


def test_full_disk_costs_only_the_compression(small: _Site, tmp_path: Path) -> None:
    (tmp_path / "tmp").write_text("not a directory")
    assert small.ask("/a.txt", {"Accept-Encoding": "gzip"}).body == TEXT


def test_file_that_gets_shorter_breaks_off(tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(b"x" * (4 * SMALL))

    async def run() -> None:
        found = await Contents().open(str(tmp_path), str(path), look(str(path))[1])
        os.truncate(path, SMALL)
        with pytest.raises(OSError, match="shorter"):
            async for _ in found.read(0, 4 * SMALL):
                pass
        found.close()

    asyncio.run(run())
