"""Server machines against client machines, and against the examples of the RFCs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import WireError
from app.wire.sasl import clients, servers
from app.wire.sasl.clients import Login, ScramClient
from app.wire.sasl.cram import cram_response, cram_secret
from app.wire.sasl.scrammessage import scram_secret
from app.wire.sasl.servers import Mechanism
from app.wire.sasl.steps import (
    Accepted,
    Challenge,
    CheckCertificate,
    CheckPassword,
    NeedSecret,
    Reason,
    Rejected,
    Secret,
    Step,
)

CHALLENGE = b"<1896.697170952@postoffice.reston.mci.net>"


class Channel:
    """A TLS connection with one kind of binding."""

    def __init__(self, data: bytes = b"binding", kind: str = "tls-exporter") -> None:
        self.data, self.kind = data, kind

    def binding_types(self) -> tuple[str, ...]:
        return (self.kind,)

    def channel_binding(self, binding_type: str) -> bytes | None:
        return self.data if binding_type == self.kind else None


def secret_for(mechanism: Mechanism, password: str) -> Secret:
    if mechanism is Mechanism.CRAM_MD5:
        return cram_secret(password)
    return scram_secret(mechanism.hash_name, password, b"salt", 2)


def sign_in(mechanism: Mechanism, password: str = "pencil", tls=None, client_tls=None, offered=None) -> Step:
    """Run both machines against each other; the server knows the password "pencil"."""
    server = servers.begin(mechanism, tls, CHALLENGE)
    names = offered or [one.value for one in servers.offered(tls)]
    client = clients.begin(mechanism, Login("user", password), client_tls or tls, names)
    step = server.step(client.initial())
    while True:
        if isinstance(step, NeedSecret):
            step = server.provide(secret_for(mechanism, "pencil"))
        elif isinstance(step, CheckPassword):
            return Accepted(step.authcid) if step.password == "pencil" else Rejected(Reason.BAD_CREDENTIALS)
        elif isinstance(step, Challenge):
            step = server.step(client.answer(step.data))
        else:
            if isinstance(step, Accepted):
                client.finish()
            return step


PASSWORD_MECHANISMS = [one for one in Mechanism if one is not Mechanism.EXTERNAL]


@pytest.mark.parametrize("mechanism", PASSWORD_MECHANISMS)
def test_right_password_is_accepted_and_wrong_one_rejected(mechanism):
    tls = Channel() if mechanism.is_plus else None
    assert sign_in(mechanism, tls=tls) == Accepted("user")
    assert sign_in(mechanism, "pencils", tls=tls) == Rejected(Reason.BAD_CREDENTIALS)


@pytest.mark.parametrize(
    ("hash_name", "nonces", "messages"),
    [
        (
            "sha1",  # RFC 5802 §5
            ("fyko+d2lbbFgONRv9qkxdawL", "3rfcNHYJY1ZVvWVs7j"),
            (
                b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
                b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
                b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
                b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
            ),
        ),
        (
            "sha256",  # RFC 7677 §3
            ("rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"),
            (
                b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
                b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
                b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
                b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
            ),
        ),
    ],
)
def test_scram_examples_of_the_rfcs(hash_name, nonces, messages):
    import base64

    first, server_first, final, server_final = messages
    salt = base64.b64decode(server_first.split(b",s=")[1].split(b",")[0])
    mechanism = Mechanism.SCRAM_SHA_1 if hash_name == "sha1" else Mechanism.SCRAM_SHA_256
    server = servers.begin(mechanism, None, b"", nonces[1])
    client = ScramClient(hash_name, Login("user", "pencil"), b"n", nonce=nonces[0])
    assert client.initial() == first
    assert server.step(first) == NeedSecret("user")
    assert server.provide(scram_secret(hash_name, "pencil", salt, 4096)) == Challenge(server_first)
    assert client.answer(server_first) == final
    assert server.step(final) == Challenge(server_final)
    assert client.answer(server_final) == b""
    client.finish()
    assert server.step(b"") == Accepted("user")


def test_cram_md5_example_of_the_rfc():
    expected = b"tim b913a602c7eda7a495b4e6e7334d3890"
    assert cram_response("tim", cram_secret("tanstaaftanstaaf"), CHALLENGE) == expected
    server = servers.begin(Mechanism.CRAM_MD5, None, CHALLENGE)
    assert server.step(None) == Challenge(CHALLENGE)
    assert server.step(expected) == NeedSecret("tim")
    assert server.provide(cram_secret("tanstaaftanstaaf")) == Accepted("tim")


def test_binding_to_another_connection_is_rejected():
    step = sign_in(Mechanism.SCRAM_SHA_256_PLUS, tls=Channel(b"mine"), client_tls=Channel(b"the attacker's"))
    assert step == Rejected(Reason.BAD_CHANNEL_BINDING)


@pytest.mark.parametrize("flag", [b"y", b"p=tls-exporter"])
def test_stripped_plus_mechanisms_are_noticed(flag):
    client = ScramClient("sha256", Login("user", "pencil"), flag, b"binding")
    server = servers.begin(Mechanism.SCRAM_SHA_256, Channel(), b"")
    assert server.step(client.initial()) == Rejected(Reason.BAD_CHANNEL_BINDING)


@pytest.mark.parametrize("first", [b"n,,n=user,r=abc", b"y,,n=user,r=abc", b"p=tls-unique,,n=user,r=abc"])
def test_plus_needs_a_binding_that_exists(first):
    server = servers.begin(Mechanism.SCRAM_SHA_256_PLUS, Channel(), b"")
    assert server.step(first) == Rejected(Reason.BAD_CHANNEL_BINDING)


def test_client_refuses_a_server_that_does_not_know_the_password():
    client = ScramClient("sha256", Login("user", "pencil"), b"n", nonce="abc")
    client.answer(b"r=abcdef,s=c2FsdA==,i=2")
    with pytest.raises(WireError):
        client.answer(b"v=" + b"A" * 43 + b"=")
    with pytest.raises(WireError):
        client.finish()


@pytest.mark.parametrize(
    "challenge",
    [
        b"r=abc,s=c2FsdA==,i=2",  # no part of the server's
        b"r=other,s=c2FsdA==,i=2",
        b"r=abcdef,s=c2FsdA==,i=0",
        b"r=abcdef,s=c2FsdA==,i=99999999",
        b"r=abcdef,s=!,i=2",
        b"m=x,r=abcdef,s=c2FsdA==,i=2",
        b"",
    ],
)
def test_client_refuses_broken_server_messages(challenge):
    with pytest.raises(WireError):
        ScramClient("sha1", Login("user", "pencil"), b"n", nonce="abc").answer(challenge)


@pytest.mark.parametrize(
    ("mechanism", "message"),
    [
        ("PLAIN", b""),
        ("PLAIN", b"\0user"),
        ("PLAIN", b"\0user\0pass\0more"),
        ("PLAIN", b"\0\0pass"),
        ("PLAIN", b"\0us\xff\0pass"),
        ("PLAIN", b"\0" + b"u" * 9000 + b"\0pass"),
        ("LOGIN", b"us\0er"),
        ("CRAM-MD5", b"user"),
        ("CRAM-MD5", b"user xyz13a602c7eda7a495b4e6e7334d3890"),
        ("SCRAM-SHA-1", b"n,,n=user"),
        ("SCRAM-SHA-1", b"x,,n=user,r=abc"),
        ("SCRAM-SHA-1", b"n,,m=1,n=user,r=abc"),
        ("SCRAM-SHA-1", b"n,,n=us=er,r=abc"),
        ("SCRAM-SHA-1", b"n,,n=,r=abc"),
        ("SCRAM-SHA-1", b"n,,n=user,r=a\x7fc"),
        ("SCRAM-SHA-1", b"n,b=user,n=user,r=abc"),
    ],
)
def test_broken_messages_are_errors(mechanism, message):
    server = servers.begin(Mechanism(mechanism), None, CHALLENGE)
    if mechanism == "CRAM-MD5":
        server.step(None)
    with pytest.raises(WireError):
        server.step(message)


@given(st.sampled_from(PASSWORD_MECHANISMS), st.lists(st.binary(max_size=60), max_size=4))
def test_anything_else_ends_in_a_step_or_a_wire_error(mechanism, messages):
    server = servers.begin(mechanism, Channel(), CHALLENGE)
    try:
        for message in messages:
            step = server.step(message)
            if isinstance(step, NeedSecret):
                step = server.provide(secret_for(mechanism, "pencil"))
            assert not isinstance(step, Accepted)
            if not isinstance(step, Challenge):
                break
    except WireError:
        pass


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20))
def test_scram_user_names_survive_their_escaping(name):
    server = servers.begin(Mechanism.SCRAM_SHA_1, None, b"")
    assert server.step(ScramClient("sha1", Login(name, "x"), b"n").initial()) == NeedSecret(name)


@pytest.mark.parametrize(
    ("mechanism", "message"), [("PLAIN", b"other\0user\0pencil"), ("SCRAM-SHA-1", b"n,a=other,n=user,r=abc")]
)
def test_acting_as_somebody_else_is_rejected(mechanism, message):
    step = servers.begin(Mechanism(mechanism), None, b"").step(message)
    assert step == Rejected(Reason.OTHER_IDENTITY)


def test_acting_as_oneself_is_fine():
    step = servers.begin(Mechanism.PLAIN, None, b"").step(b"user\0user\0pencil")
    assert step == CheckPassword("user", "pencil")
    assert "pencil" not in repr(step)


def test_mechanisms_without_initial_response_begin_with_a_challenge():
    login = servers.begin(Mechanism.LOGIN, None, b"")
    assert login.step(None) == Challenge(b"Username:")
    assert login.step(b"user") == Challenge(b"Password:")
    assert login.step(b"pencil") == CheckPassword("user", "pencil")
    external = servers.begin(Mechanism.EXTERNAL, None, b"")
    assert external.step(None) == Challenge(b"")
    assert external.step(b"") == CheckCertificate("")


def test_plus_is_offered_with_a_binding_only():
    in_the_clear = [one.value for one in servers.offered(None)]
    assert in_the_clear == ["SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"]
    assert servers.offered(Channel(), has_certificate=True) == tuple(Mechanism)


@pytest.mark.parametrize(
    ("names", "tls", "chosen"),
    [
        (["PLAIN", "scram-sha-1", "X-OTHER"], None, Mechanism.SCRAM_SHA_1),
        (["PLAIN", "LOGIN"], None, None),
        (["LOGIN", "PLAIN"], Channel(), Mechanism.PLAIN),
        (["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"], Channel(), Mechanism.SCRAM_SHA_256_PLUS),
        (["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"], None, Mechanism.SCRAM_SHA_256),
        (["EXTERNAL"], Channel(), None),
    ],
)
def test_client_chooses_the_best_that_is_safe(names, tls, chosen):
    assert clients.choose(names, tls) is chosen
