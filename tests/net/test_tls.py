from __future__ import annotations

import ssl

import pytest

from app.net import channelbinding
from app.net.tls import CertificateError, KeyCert, ServerCertificates, TlsSettings, handshake_reason, tls_info
from tests.support.certificates import write_pair
from tests.support.measuring import moves


def key_cert(directory, *names, kind="ecdsa") -> KeyCert:
    certificate, key = write_pair(directory, *names, kind=kind)
    return KeyCert(str(certificate), str(key))


def shake(server_context, server_name=None, **options) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Server and client after a handshake in memory."""
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_context.check_hostname = False
    client_context.verify_mode = ssl.CERT_NONE
    for name, value in options.items():
        if name == "ciphers":
            client_context.set_ciphers(value)
        else:
            setattr(client_context, name, value)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(up, down, server_side=True)
    client = client_context.wrap_bio(down, up, server_hostname=server_name)
    for side in (client, server) * 3:
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return server, client


def names_shown(client: ssl.SSLObject) -> list[str]:
    from cryptography import x509

    certificate = x509.load_der_x509_certificate(client.getpeercert(binary_form=True) or b"")
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.DNSName)


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        (None, "mx.example"),
        ("mx.example", "mx.example"),
        ("IMAP.example", "imap.example"),
        ("any.wild.example", "*.wild.example"),
        ("two.any.wild.example", "mx.example"),
        ("unknown.example", "mx.example"),
    ],
)
def test_certificate_follows_the_server_name(tmp_path, asked, shown):
    certificates = ServerCertificates(
        [key_cert(tmp_path, "mx.example"), key_cert(tmp_path, "imap.example"), key_cert(tmp_path, "*.wild.example")]
    )
    server, client = shake(certificates.context, asked)
    assert names_shown(client) == [shown]
    assert tls_info(server).server_name == (asked.lower() if asked else None)


@pytest.mark.parametrize(
    ("asked", "name"),
    [(None, "mox_autotls_missing_servername_total"), ("no.example", "mox_autotls_unknown_servername_total")],
)
def test_handshakes_without_a_known_name_are_counted(tmp_path, asked, name):
    certificates = ServerCertificates([key_cert(tmp_path, "mx.example")])
    with moves(name, by=1):
        shake(certificates.context, asked)


@pytest.mark.parametrize(
    ("error", "word"),
    [(TimeoutError(), "timeout"), (ConnectionResetError(), "gone"), (ssl.SSLError(1, "strange"), "other")],
)
def test_why_a_handshake_failed_is_one_of_a_few_words(error, word):
    assert handshake_reason(error) == word


def test_ecdsa_is_preferred_and_rsa_is_there_for_old_clients(tmp_path):
    certificates = ServerCertificates([key_cert(tmp_path, "mx.example", kind="rsa"), key_cert(tmp_path, "mx.example")])
    tls12 = {"maximum_version": ssl.TLSVersion.TLSv1_2}
    assert "ECDSA" in tls_info(shake(certificates.context, "mx.example", **tls12)[0]).cipher
    old = shake(certificates.context, "mx.example", ciphers="ECDHE-RSA-AES128-GCM-SHA256", **tls12)[0]
    assert "RSA" in tls_info(old).cipher


def test_replaced_certificates_are_used_for_the_next_handshake(tmp_path):
    certificates = ServerCertificates([key_cert(tmp_path, "old.example")])
    context = certificates.context
    certificates.replace([key_cert(tmp_path, "new.example")])
    assert names_shown(shake(context)[1]) == ["new.example"]
    with pytest.raises(CertificateError):
        certificates.replace([KeyCert(str(tmp_path / "none.pem"), "none")])
    assert names_shown(shake(context)[1]) == ["new.example"]


def test_old_tls_is_refused(tmp_path):
    certificates = ServerCertificates(
        [key_cert(tmp_path, "mx.example")], TlsSettings(min_version=ssl.TLSVersion.TLSv1_3)
    )
    with pytest.raises(ssl.SSLError):
        shake(certificates.context, maximum_version=ssl.TLSVersion.TLSv1_2)


def test_key_of_another_certificate_is_named_in_the_error(tmp_path):
    one, other = key_cert(tmp_path, "one.example"), key_cert(tmp_path, "other.example")
    with pytest.raises(CertificateError, match=r"one\.example.*other\.example"):
        ServerCertificates([KeyCert(one.certificate_file, other.key_file)])


@pytest.mark.parametrize(("version", "kind"), [("TLSv1_2", "tls-unique"), ("TLSv1_3", "tls-exporter")])
def test_both_sides_have_the_same_channel_binding_and_connections_differ(tmp_path, version, kind):
    assert channelbinding.exporter_works()
    context = ServerCertificates([key_cert(tmp_path, "mx.example")]).context
    limit = {"maximum_version": ssl.TLSVersion[version]}
    server, client = shake(context, **limit)
    info = tls_info(server)
    assert info.binding_types() == (kind,)
    binding = info.channel_binding(kind)
    assert binding
    assert binding == tls_info(client).channel_binding(kind)
    assert binding != tls_info(shake(context, **limit)[0]).channel_binding(kind)
    assert info.channel_binding("tls-server-end-point") is None
