"""The connection data that conditions get from the real proxy: address, TLS, the peer's name."""

import datetime
import http.client
import json
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from gateway import HERE, Gateway, fill
from wire import call, headers

PEER = "spiffe://acme.test/agent"


class Authority:
    """A certification authority of the tests' own."""

    def __init__(self, folder):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
        self.certificate = self._sign(self.name, self.key, [x509.BasicConstraints(ca=True, path_length=None)])
        (folder / "ca.pem").write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def _sign(self, subject, key, extensions):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(hours=1))
        builder = builder.not_valid_after(now + datetime.timedelta(hours=1))
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, name, alternative):
        """Writes `name.pem` and `name.key`."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._sign(subject, key, [x509.SubjectAlternativeName([alternative])])
        plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (self.folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        (self.folder / f"{name}.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, *plain))


class TlsGateway(Gateway):
    """Its listener speaks TLS, and asks for a certificate without demanding one."""

    policy = HERE / "connection.yaml"
    chain = "    filter_chains:\n    - filters:"

    def start_spicedb(self):
        """Nothing here uses SpiceDB."""

    def bootstrap(self, values):
        """Envoy's configuration with a certificate."""
        file = lambda name: {"filename": str(self.folder / name)}  # noqa: E731
        certificate = {"certificate_chain": file("proxy.pem"), "private_key": file("proxy.key")}
        context = {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": {
                "tls_certificates": [certificate],
                "validation_context": {"trusted_ca": file("ca.pem")},
            },
        }
        socket = json.dumps({"name": "envoy.transport_sockets.tls", "typed_config": context})
        text = fill(values)
        assert text.count(self.chain) == 1
        return text.replace(self.chain, f"    filter_chains:\n    - transport_socket: {socket}\n      filters:")


class PlainGateway(Gateway):
    """The same policy without TLS."""

    policy = HERE / "connection.yaml"

    def start_spicedb(self):
        """Nothing here uses SpiceDB."""


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory, identity):
    """A gateway with TLS."""
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority(folder)
    authority.issue("proxy", x509.DNSName("localhost"))
    authority.issue("agent", x509.UniformResourceIdentifier(PEER))
    authority.issue("other", x509.UniformResourceIdentifier("spiffe://acme.test/other"))
    with TlsGateway("python2", folder, identity) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def plain(tmp_path_factory, identity):
    """One without."""
    with PlainGateway("python2", tmp_path_factory.mktemp("plain"), identity) as gateway:
        yield gateway


def ask(gateway, method, body, certificate=None, tls=True):
    """Status and reason of a request."""
    address = ("localhost" if tls else "127.0.0.1", gateway.port)
    if tls:
        context = ssl.create_default_context(cafile=gateway.folder / "ca.pem")
        if certificate:
            context.load_cert_chain(gateway.folder / f"{certificate}.pem", gateway.folder / f"{certificate}.key")
        connection = http.client.HTTPSConnection(*address, timeout=20, context=context)
    else:
        connection = http.client.HTTPConnection(*address, timeout=20)
    try:
        connection.request(method, "/mcp", body, dict(headers(gateway, gateway.identity.token())))
        connection.getresponse().read()
    finally:
        connection.close()
    return gateway.decisions()[-1]


PING = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}).encode()


def test_tls_is_seen(encrypted, plain):
    assert ask(encrypted, "POST", call("echo", text="x")) == ("permit", "allowed")
    assert ask(plain, "POST", call("echo", text="x"), tls=False) == ("deny", "condition_unmet")


def test_the_name_of_a_verified_certificate_is_seen_and_no_other(encrypted):
    assert ask(encrypted, "DELETE", None, "agent") == ("permit", "allowed")
    assert ask(encrypted, "DELETE", None, "other") == ("deny", "condition_unmet")
    assert ask(encrypted, "DELETE", None) == ("deny", "condition_unmet")


def test_the_address_is_seen_without_its_port(encrypted, plain):
    assert ask(encrypted, "POST", PING) == ("permit", "allowed")
    assert ask(plain, "POST", PING, tls=False) == ("permit", "allowed")
