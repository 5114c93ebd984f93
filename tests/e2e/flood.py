"""A client of HTTP/2 that opens as many streams as it is allowed and then stalls, and a server with long answers.

Frames are made by hand: what matters is how much Envoy holds, so nothing here may be slower than Envoy.
"""

import contextlib
import socket
import struct
import threading

from hpack import Encoder
from wire import SECONDS, headers

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
FRAME = 16384


def frame(kind, flags, stream, payload=b""):
    """One frame (RFC 9113 §4.1)."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


class Flood:
    """One connection. `window` is what the server may send on each stream before it must wait.

    `streams` has what may be sent on each stream that is open, `waiting` those that have heard nothing yet.
    """

    def __init__(self, gateway, token, *, window=65535):
        self.gateway, self.token = gateway, token
        self.socket = socket.create_connection(("127.0.0.1", gateway.port))
        self.socket.settimeout(SECONDS)
        self.changed = threading.Condition()
        self.room, self.initial, self.most = 65535, 65535, None
        self.streams, self.waiting, self.opened, self.ended = {}, set(), 0, False
        self.socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, struct.pack(">HI", 4, window)))
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        with self.changed:
            assert self.changed.wait_for(lambda: self.most is not None or self.ended, SECONDS), "no settings came"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.reader.join()
        self.socket.close()

    def _read(self):
        buffer = b""
        with contextlib.suppress(OSError):
            while part := self.socket.recv(65536):
                buffer += part
                while len(buffer) >= 9 and len(buffer) >= 9 + (size := int.from_bytes(buffer[:3])):
                    kind, flags, stream = buffer[3], buffer[4], int.from_bytes(buffer[5:9])
                    payload, buffer = buffer[9 : 9 + size], buffer[9 + size :]
                    with self.changed:
                        self._take(kind, flags, stream, payload)
                        self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def _take(self, kind, flags, stream, payload):
        if kind == SETTINGS and not flags & 1:
            pairs = dict(struct.iter_unpack(">HI", payload))
            self.most, self.initial = pairs.get(3, 1 << 31), pairs.get(4, 65535)
            self.socket.sendall(frame(SETTINGS, 1, 0))
        elif kind == WINDOW_UPDATE:
            more = int.from_bytes(payload)
            if stream == 0:
                self.room += more
            elif stream in self.streams:
                self.streams[stream] += more
        elif kind in (RST_STREAM, HEADERS, DATA):
            self.waiting.discard(stream)
            if kind == RST_STREAM or flags & 1:
                self.streams.pop(stream, None)
        elif kind == PING and not flags & 1:
            self.socket.sendall(frame(PING, 1, 0, payload))

    def open(self, *, end):
        """A request on a stream of its own, its body to follow unless it is given."""
        self.opened += 1
        stream = self.opened * 2 - 1
        pseudo = [(":method", "POST"), (":scheme", "http"), (":path", "/mcp"), (":authority", self.gateway.authority)]
        fields = [field for field in headers(self.gateway, self.token) if field[0] != "host"]
        head = Encoder().encode(pseudo + fields)
        with self.changed:
            self.streams[stream] = self.initial
            self.waiting.add(stream)
        self.socket.sendall(frame(HEADERS, 4 | (end == b""), stream, head))
        if end:
            self.send(stream, end, last=True)
        return stream

    def send(self, stream, body, *, last=False):
        """Bytes of a body, as the windows allow; whether the stream took them all."""
        for at in range(0, len(body), FRAME):
            part = body[at : at + FRAME]
            with self.changed:
                ready = self.changed.wait_for(
                    lambda: self.ended or stream not in self.streams or min(self.room, self.streams[stream]) >= FRAME, SECONDS
                )
                if not ready or self.ended or stream not in self.streams:
                    return False
                self.room -= len(part)
                self.streams[stream] -= len(part)
            try:
                self.socket.sendall(frame(DATA, int(last and at + FRAME >= len(body)), stream, part))
            except OSError:
                return False
        return True


class Server:
    """Answers every request on a connection of its own with the same bytes, as fast as Envoy takes them."""

    def __init__(self, port, answer):
        self.listener = socket.create_server(("127.0.0.1", port), backlog=512)
        self.answer, self.requests, self.sending = answer, 0, 0
        self.lock = threading.Lock()
        self.accepting = threading.Thread(target=self._accept, daemon=True)
        self.accepting.start()

    def close(self):
        """Ends the thread before the listener's number can be another socket's."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.accepting.join()
        self.listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self.listener.accept()[0],), daemon=True).start()

    def _serve(self, connection):
        with connection, contextlib.suppress(OSError):
            buffer = b""
            while b"\r\n\r\n" not in buffer:
                buffer += connection.recv(65536)
            with self.lock:
                self.requests += 1
                self.sending += 1
            try:
                connection.sendall(self.answer)
            finally:
                with self.lock:
                    self.sending -= 1
