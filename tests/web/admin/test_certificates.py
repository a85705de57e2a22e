"""The administrator's page of certificates."""

from __future__ import annotations

from pathlib import Path

from tests.support.configuration import MOX_CONF
from tests.web.world import World

PAGE = "/admin/certificates"
WITH_FILES = MOX_CONF.replace(
    "Listeners:\n",
    """Listeners:
	world:
		IPs:
			- 198.51.100.7
		TLS:
			KeyCerts:
				-
					CertFile: tls/self.crt
					KeyFile: tls/self.key
""",
    1,
)


def test_certificates_are_asked_for_from_the_next_start_on(tmp_path: Path) -> None:
    with World(tmp_path, mox_conf=WITH_FILES) as world:
        admin = world.admin()
        page = admin.get(PAGE).text
        assert "tls/self.crt" in page
        assert "cannot be used" in page
        for typed, field in (
            ({"contact": "x", "agreed": "yes"}, "contact"),
            ({"contact": "jane@example.com"}, "agreed"),
        ):
            answer = admin.post(f"{PAGE}/automatic", typed)
            assert (answer.status_code, f'id="{field}-error"' in answer.text) == (422, True)
        assert "letsencrypt" not in world.live.path.read_text()
        answer = admin.post(f"{PAGE}/automatic", {"contact": "jane@example.com", "agreed": "yes"})
        assert answer.status_code == 303
        assert "DirectoryURL: https://acme-v02" in world.live.path.read_text()
        page = admin.get(PAGE).text
        assert "It takes effect when the server is started again." in page
        assert "agreed" not in page, "once is enough"


def test_a_server_for_this_machine_only_is_offered_nothing(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        admin = world.admin()
        assert "Let&#39;s Encrypt" not in admin.get(PAGE).text
        answer = admin.post(f"{PAGE}/automatic", {"contact": "jane@example.com", "agreed": "yes"})
        assert (answer.status_code, "No listener" in answer.text) == (422, True)
        assert admin.post(f"{PAGE}/try", {"name": "elsewhere.example"}).status_code == 404
