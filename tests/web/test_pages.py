"""The metrics page and the start page of a test server."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.metrics import counter
from app.web.metricspage import metrics_app
from app.web.startpage import Service, start_routes

requests = counter("test_pages_total", "Counts in this test.")


def test_metrics_page_shows_what_was_counted():
    requests.inc(3)
    response = TestClient(metrics_app()).get("/metrics")
    assert response.status_code == 200
    assert "mox_test_pages_total 3.0" in response.text


def test_start_page_lists_services_and_shows_hostile_names_as_text():
    service = Service(name="SMTP", host="<script>alert(1)</script>", port=1025, security="none")
    response = TestClient(Starlette(routes=start_routes([service], "mox@localhost"))).get("/")
    assert "<td>1025</td>" in response.text
    assert "<script>" not in response.text


def test_every_answer_has_security_headers():
    for path in ("/", "/metrics", "/nowhere"):
        headers = TestClient(metrics_app()).get(path).headers
        assert headers["x-frame-options"] == "DENY"
        assert "default-src 'self'" in headers["content-security-policy"]
