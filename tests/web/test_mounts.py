"""Which pages stand on which port."""

from __future__ import annotations

import ipaddress

from app.config.listener import Listener, WebserverHttp, WebService, WellKnown
from app.web.mounts import Mount, MountKind, PagePort, page_ports

IPS = (ipaddress.IPv4Address("127.0.0.1"),)


def test_services_share_a_port_below_their_own_paths():
    listener = Listener(
        ips=IPS, account_http=WebService(enabled=True), admin_http=WebService(enabled=True, forwarded=True)
    )
    account = Mount(kind=MountKind.ACCOUNT, path="/")
    admin = Mount(kind=MountKind.ADMIN, path="/admin/", is_forwarded=True)
    assert page_ports(listener) == [PagePort(port=80, is_tls=False, mounts=(account, admin))]


def test_files_for_mail_programs_are_served_without_tls_too_where_the_plain_web_port_is_ours():
    files = WellKnown(enabled=True)
    listener = Listener(ips=IPS, autoconfig_https=files, mtasts_https=files, webserver_http=WebserverHttp(enabled=True))
    found = {(one.port, one.is_tls): [mount.kind for mount in one.mounts] for one in page_ports(listener)}
    assert found == {
        (443, True): [MountKind.CLIENT_FILES, MountKind.POLICY],
        (80, False): [MountKind.CLIENT_FILES, MountKind.SITES],
    }


def test_behind_a_web_server_the_files_are_on_its_port_without_tls():
    files = WellKnown(enabled=True, port=81, non_tls=True, forwarded=True)
    (port,) = page_ports(Listener(ips=IPS, autoconfig_https=files, mtasts_https=files))
    assert (port.port, port.is_tls) == (81, False)
    assert all(mount.is_forwarded for mount in port.mounts)


def test_what_is_off_opens_no_port():
    off = WebService(enabled=False)
    assert page_ports(Listener(ips=IPS, account_http=off, admin_https=off)) == []
