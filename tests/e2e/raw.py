"""Peers made of bytes: a client and servers that send exactly the bytes of a test, at its time.

Nothing here has threads: the test plays both sides, so what was seen when is certain without waiting.
"""

import contextlib
import json
import re
import socket
import urllib.request

import h2.config
import h2.connection
import h2.events
from gateway import Gateway
from wire import SECONDS, headers

YES = b'{"permissionship":"PERMISSIONSHIP_HAS_PERMISSION"}'
CHUNKED = "transfer-encoding: chunked"


class Peer:
    """One end of a connection, HTTP/1.1."""

    def __init__(self, connection):
        self.socket = connection
        self.socket.settimeout(SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *parts):
        """Each part in a write of its own."""
        for part in parts:
            self.socket.sendall(part.encode() if isinstance(part, str) else part)

    def _more(self):
        part = self.socket.recv(65536)
        assert part, f"the connection ended after {self.buffer!r}"
        self.buffer += part

    def until(self, mark):
        """The bytes up to and including the mark."""
        while mark not in self.buffer:
            self._more()
        taken, _, self.buffer = self.buffer.partition(mark)
        return taken + mark

    def exactly(self, count):
        """That many bytes."""
        while len(self.buffer) < count:
            self._more()
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def head(self):
        """The first line and the fields of a message, names in lower case."""
        line, *lines = self.until(b"\r\n\r\n").decode("latin-1").strip().split("\r\n")
        pairs = (field.partition(":") for field in lines)
        return line, [(name.lower(), value.strip()) for name, _, value in pairs]

    def chunk(self):
        """The next chunk; empty for the last one, whose trailers are left to be read."""
        size = int(self.until(b"\r\n").split(b";")[0], 16)
        return self.exactly(size + 2)[:-2] if size else b""

    def rest(self, fields):
        """Body and trailers of a message with these fields."""
        if ("transfer-encoding", "chunked") not in fields:
            return self.exactly(int(dict(fields).get("content-length", 0))), []
        body = b""
        while part := self.chunk():
            body += part
        trailers = self.until(b"\r\n")
        while not trailers.endswith(b"\r\n\r\n") and trailers != b"\r\n":
            trailers += self.until(b"\r\n")
        lines = trailers.decode("latin-1").split("\r\n")
        return body, [tuple(line.split(": ", 1)) for line in lines if line]

    def message(self):
        """A whole message: first line, fields, body, trailers."""
        line, fields = self.head()
        return line, fields, *self.rest(fields)

    def is_silent(self):
        """Whether nothing has come."""
        self.socket.setblocking(False)
        try:
            part = self.socket.recv(65536)
            assert part, "the connection ended"
            self.buffer += part
        except BlockingIOError:
            pass
        finally:
            self.socket.settimeout(SECONDS)
        return not self.buffer

    def ended(self):
        """Reads to any end of the connection. Returns the bytes before it."""
        with contextlib.suppress(ConnectionError):
            while part := self.socket.recv(65536):
                self.buffer += part
        taken, self.buffer = self.buffer, b""
        return taken

    def vanish(self):
        """Leaves with a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()


class Listener:
    """A server whose connections are taken one by one."""

    def __init__(self, port):
        self.socket = socket.create_server(("127.0.0.1", port))
        self.socket.settimeout(SECONDS)

    def accept(self):
        """The next connection."""
        return Peer(self.socket.accept()[0])

    def is_alone(self):
        """Whether there is no connection."""
        self.socket.setblocking(False)
        try:
            self.socket.accept()[0].close()
            return False
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(SECONDS)


class RawGateway(Gateway):
    """Envoy as it is shipped, between peers that the test plays: `upstream` and `authority_cluster`."""

    #: Text of the bootstrap that is replaced, with what replaces it.
    edits = ()

    def __init__(self, folder, identity):
        super().__init__("raw", folder, identity, recorded=False)
        self.upstream = self.checks = None

    def start_spicedb(self):
        """The test answers the questions to SpiceDB."""
        self.checks = Listener(self.spicedb_port)

    def start_server(self):
        """The test is the server."""
        self.upstream = Listener(self.server_port)

    def bootstrap(self, values):
        """Envoy's configuration, with this gateway's edits."""
        text = super().bootstrap(values)
        for old, new in self.edits:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        return text

    def __exit__(self, *_):
        super().__exit__()
        for listener in filter(None, (self.upstream, self.checks)):
            listener.socket.close()

    def client(self):
        """A connection to Envoy."""
        return Peer(socket.create_connection(("127.0.0.1", self.port)))

    def head(self, *framing, method="POST", token=True, drop=()):
        """The head of a request with a good token."""
        fields = headers(self, self.identity.token() if token else None)
        lines = [f"{name}: {value}" for name, value in fields if name not in drop]
        return "\r\n".join([f"{method} /mcp HTTP/1.1", *lines, *framing, "", ""])

    def trace(self):
        """Has Envoy write every callback of the filter to its log."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.admin}/logging?wasm=trace", method="POST")
        urllib.request.urlopen(request, timeout=5).close()

    def contexts(self):
        """How many streams the filter has created so far, and how many of them it has deleted."""
        log = (self.folder / "envoy.log").read_text(errors="replace")
        created = re.findall(r"\[host->vm\] proxy_on_context_create\((\d+), [1-9]", log)
        return created, re.findall(r"\[host->vm\] proxy_on_delete\((\d+)\)", log)

    def sent_upstream(self):
        """How many requests went on."""
        return int(self.stats("/stats?filter=cluster.mcp_server.upstream_rq_total$").rsplit(":", 1)[1])


def chunks(*parts):
    """The parts as chunks, without the end."""
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)


def answer(*fields, body=b"", status="200 OK", kind="application/json"):
    """A response; closes its connection, so that every exchange has one of its own."""
    lines = [f"HTTP/1.1 {status}", "connection: close", *([f"content-type: {kind}"] if kind else []), *fields, "", ""]
    return "\r\n".join(lines).encode() + body


def result(text="x", identifier=1):
    """A JSON-RPC result."""
    content = {"content": [{"type": "text", "text": text}]}
    return json.dumps({"jsonrpc": "2.0", "id": identifier, "result": content}).encode()


class Http2:
    """One stream of HTTP/2, frame by frame."""

    def __init__(self, peer, gateway, fields, *, end=False):
        self.peer = peer
        self.connection = h2.connection.H2Connection(
            h2.config.H2Configuration(header_encoding="utf-8", validate_outbound_headers=False)
        )
        self.connection.initiate_connection()
        pseudo = [(":method", "POST"), (":scheme", "http"), (":path", "/mcp"), (":authority", gateway.authority)]
        self.connection.send_headers(1, pseudo + [field for field in fields if field[0] != "host"], end_stream=end)
        self.flush()

    def flush(self):
        """Sends what is to be sent."""
        self.peer.send(self.connection.data_to_send())

    def data(self, piece, *, end=False):
        """One frame of data."""
        self.connection.send_data(1, piece, end_stream=end)
        self.flush()

    def reset(self):
        """Leaves the stream, not the connection."""
        self.connection.reset_stream(1, error_code=8)
        self.flush()

    def events(self):
        """The frames of the other side, one by one."""
        while True:
            part = self.peer.socket.recv(65536)
            assert part, "the connection ended"
            for event in self.connection.receive_data(part):
                if isinstance(event, h2.events.DataReceived):
                    self.connection.acknowledge_received_data(event.flow_controlled_length, 1)
                yield event
            self.flush()

    def answer(self):
        """Status and body, or `reset`."""
        status, body = 0, b""
        self.trailers = []
        for event in self.events():
            if isinstance(event, h2.events.ResponseReceived):
                status = int(dict(event.headers)[":status"])
            elif isinstance(event, h2.events.DataReceived):
                body += event.data
            elif isinstance(event, h2.events.TrailersReceived):
                self.trailers = event.headers
            elif isinstance(event, h2.events.StreamEnded):
                return status, body
            elif isinstance(event, h2.events.StreamReset):
                return "reset"
        raise AssertionError


class Http2Server:
    """The server's end of a connection of HTTP/2; streams come one after the other."""

    def __init__(self, peer):
        self.peer = peer
        self.connection = h2.connection.H2Connection(
            h2.config.H2Configuration(
                client_side=False, header_encoding="utf-8", validate_outbound_headers=False, normalize_outbound_headers=False
            )
        )
        self.connection.initiate_connection()
        self.flush()

    def flush(self):
        """Sends what is to be sent."""
        self.peer.send(self.connection.data_to_send())

    def request(self):
        """The next request: fields, body, trailers."""
        fields, body, trailers = {}, b"", []
        while True:
            part = self.peer.socket.recv(65536)
            assert part, "the connection ended"
            events = self.connection.receive_data(part)
            self.flush()
            for event in events:
                if isinstance(event, h2.events.RequestReceived):
                    self.stream, fields = event.stream_id, dict(event.headers)
                elif isinstance(event, h2.events.DataReceived):
                    body += event.data
                elif isinstance(event, h2.events.TrailersReceived):
                    trailers = list(event.headers)
                elif isinstance(event, h2.events.StreamEnded):
                    return fields, body, trailers

    def head(self, status, *fields, end=False):
        """The head of the answer, or of an informational response."""
        self.connection.send_headers(self.stream, [(":status", str(status)), *fields], end_stream=end)
        self.flush()

    def data(self, piece, *, end=False):
        """One frame."""
        self.connection.send_data(self.stream, piece, end_stream=end)
        self.flush()

    def trailers(self, *fields):
        """The end."""
        self.connection.send_headers(self.stream, list(fields), end_stream=True)
        self.flush()

    def reset(self):
        """Leaves the stream in its middle."""
        self.connection.reset_stream(self.stream, error_code=2)
        self.flush()
