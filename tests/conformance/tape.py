"""Reads recorded connections as HTTP/1.1."""

import dataclasses


@dataclasses.dataclass
class Message:
    """A request or a response: its first line, its fields with names in lower case, its body without framing."""

    start: str
    fields: list
    body: bytes
    whole: bool

    def field(self, name):
        """The value of a field, or nothing."""
        return next((value for key, value in self.fields if key == name), None)


@dataclasses.dataclass
class Exchange:
    """A request and its response, which is `None` if the connection ended first."""

    request: Message
    response: Message | None


def exchanges(recorder):
    """The exchanges of all connections, in order. Call this after `recorder.close()`."""
    return [exchange for one in recorder.connections for exchange in read(bytes(one.sent), bytes(one.received))]


def read(sent, received):
    """The exchanges of one connection."""
    requests = []
    while sent:
        request, sent = take(sent, lambda message: message.field("content-length") or 0)
        requests.append(request)
    exchanges = []
    for request in requests:
        response = None
        while received:
            response, received = take(received, response_length)
            if not response.start.split()[1].startswith("1"):
                break
            response = None
        exchanges.append(Exchange(request, response))
    return exchanges


def response_length(response):
    """How long the body of a response is that is not chunked; nothing where the connection's end ends it."""
    if response.start.split()[1] in ("204", "304") or response.start.split()[1].startswith("1"):
        return 0
    return response.field("content-length")


def take(data, length_of):
    """The first message of `data`, and the bytes after it."""
    head, end, rest = data.partition(b"\r\n\r\n")
    start, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    message = Message(start, [(name.lower(), value.strip()) for name, _, value in pairs], b"", bool(end))
    if (message.field("transfer-encoding") or "").lower() == "chunked":
        message.body, message.whole, rest = unchunk(rest)
        return message, rest
    length = length_of(message)
    if length is None:
        message.body = rest
        return message, b""
    length = int(length)
    message.body, message.whole = rest[:length], bool(end) and len(rest) >= length
    return message, rest[length:]


def unchunk(data):
    """The body of chunks, whether its end was there, and the bytes after it."""
    body = bytearray()
    while True:
        line, end, rest = data.partition(b"\r\n")
        if not end:
            return bytes(body), False, b""
        size = int(line.split(b";")[0], 16)
        if size == 0:
            # Trailers, up to an empty line.
            while rest:
                line, end, rest = rest.partition(b"\r\n")
                if not line:
                    return bytes(body), bool(end), rest
            return bytes(body), False, b""
        body += rest[:size]
        if len(rest) < size + 2:
            return bytes(body), False, b""
        data = rest[size + 2 :]
