"""The commands that print reports of other servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.cli.main import main
from tests.wire.reports.samples import GOOGLE, message, tls_json, zipped


def test_reports_of_files_are_printed_and_bad_ones_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad, encryption = tmp_path / "good.eml", tmp_path / "bad.eml", tmp_path / "tls.eml"
    good.write_bytes(message(zipped({"report.xml": GOOGLE.encode()}), "application/zip", "report.zip"))
    bad.write_bytes(message(b"\x1b[31mhello", "application/zip", "report.zip"))
    encryption.write_bytes(message(tls_json(), "application/tlsrpt+gzip"))
    assert main(["dmarc", "parsereportmsg", str(good)]) == 0
    assert main(["tlsrpt", "parsereportmsg", str(encryption)]) == 0
    out = capsys.readouterr().out
    assert "3 from 198.51.100.77 as example.com: failed, done: quarantine" in out
    assert "2 certificate-expired: mail.example.com" in out
    assert main(["dmarc", "parsereportmsg", str(bad), str(good)]) == 1
    captured = capsys.readouterr()
    assert "there is no DMARC report in the message" in captured.err
    assert "12 from 192.0.2.10 as example.com: passed by DKIM and SPF" in captured.out
