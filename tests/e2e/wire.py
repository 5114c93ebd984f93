"""Requests made by hand, byte by byte, which no client library would send."""

import json
import socket
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events

SECONDS = 20


@dataclass
class Answer:
    """A response."""

    status: int
    headers: list = field(default_factory=list)
    body: bytes = b""

    def values(self, name):
        """All values of a header field."""
        return [value for field_name, value in self.headers if field_name == name]

    @property
    def reason(self):
        """The reason code of a denial."""
        return json.loads(self.body)["error"]["data"]["reason"]


def call(tool, /, **arguments):
    """A `tools/call`."""
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    return json.dumps(message).encode()


def headers(gateway, token):
    """The header fields that an MCP client of 2025-11-25 sends with a POST."""
    fields = [
        ("host", f"127.0.0.1:{gateway.port}"),
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
        ("mcp-protocol-version", "2025-11-25"),
    ]
    return [*fields, ("authorization", f"Bearer {token}")] if token else fields


def http1(gateway, fields, body, *, chunked=False, trailers=(), method="POST", path="/mcp"):
    """One request on HTTP/1.1, its body in one piece or in chunks of at most 1000 bytes."""
    fields = [*fields, ("transfer-encoding", "chunked") if chunked else ("content-length", str(len(body)))]
    head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields) + "\r\n"
    data = body
    if chunked:
        parts = [body[at : at + 1000] for at in range(0, len(body), 1000)]
        end = "0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in trailers) + "\r\n"
        data = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + end.encode()
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=SECONDS) as connection:
        try:
            connection.sendall(head.encode() + data)
        except ConnectionError:
            pass  # answered before everything was sent
        return read_http1(connection)


def read_http1(connection):
    """Reads a response that has a content-length."""
    buffer = b""
    while b"\r\n\r\n" not in buffer:
        part = connection.recv(65536)
        assert part, f"the connection ended after {buffer!r}"
        buffer += part
    head, body = buffer.split(b"\r\n\r\n", 1)
    line, *lines = head.decode("latin-1").split("\r\n")
    fields = [(name.lower(), value.strip()) for name, value in (line.split(":", 1) for line in lines)]
    length = int(dict(fields).get("content-length", 0))
    while len(body) < length:
        part = connection.recv(65536)
        assert part, "the connection ended inside the body"
        body += part
    return Answer(int(line.split()[1]), fields, body[:length])


def http2(gateway, fields, body, *, trailers=(), method="POST", path="/mcp"):
    """One request on HTTP/2, as fast as the windows allow."""
    authority = dict(fields)["host"]
    fields = [(name, value) for name, value in fields if name != "host"]
    pseudo = [(":method", method), (":scheme", "http"), (":path", path), (":authority", authority)]
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=SECONDS) as connection:
        client = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        client.initiate_connection()
        client.send_headers(1, pseudo + fields)
        answer, rest, ended = Answer(0), body, False
        connection.sendall(client.data_to_send())
        while not ended:
            while rest is not None and (room := min(client.local_flow_control_window(1), 16384)) > 0:
                part, rest = rest[:room], rest[room:] or None
                client.send_data(1, part, end_stream=rest is None and not trailers)
                if rest is None and trailers:
                    client.send_headers(1, list(trailers), end_stream=True)
            connection.sendall(client.data_to_send())
            data = connection.recv(65536)
            assert data, "the connection ended before the response"
            for event in client.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    answer.headers = [(name, value) for name, value in event.headers if not name.startswith(":")]
                    answer.status = int(dict(event.headers)[":status"])
                elif isinstance(event, h2.events.DataReceived):
                    answer.body += event.data
                    client.acknowledge_received_data(event.flow_controlled_length, 1)
                elif isinstance(event, h2.events.StreamEnded):
                    ended = True
                elif isinstance(event, h2.events.StreamReset):
                    assert ended, f"the stream was reset ({event.error_code}) before the response ended"
    return answer
