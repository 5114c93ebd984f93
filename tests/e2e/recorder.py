"""A relay in front of a server that records what passes through it."""

import dataclasses
import socket
import threading


@dataclasses.dataclass
class Connection:
    """One connection: its two sockets, and the bytes of each direction."""

    sockets: tuple
    sent: bytearray = dataclasses.field(default_factory=bytearray)
    received: bytearray = dataclasses.field(default_factory=bytearray)


class Recorder:
    """Relays connections from `port` to another port of this machine and records the bytes that clients send.

    `take` returns them in the order of their arrival. With `conversations`, `connections` keeps both directions apart.
    """

    def __init__(self, to, *, conversations=False):
        self.to, self.conversations = to, conversations
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.bytes = bytearray()
        self.connections, self.threads = [], []
        self.accepting = threading.Thread(target=self._accept, daemon=True)
        self.accepting.start()

    def close(self):
        """Accepts no more connections, ends the open ones and waits for their threads."""
        # Only then may the listener's number become another socket's.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.accepting.join()
        self.listener.close()
        for connection in self.connections:
            for side in connection.sockets:
                shut(side, socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join()
        for connection in self.connections:
            for side in connection.sockets:
                side.close()

    def take(self):
        """The bytes that clients sent since the last call."""
        with self.lock:
            taken, self.bytes = bytes(self.bytes), bytearray()
        return taken

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                client.close()
                continue
            connection = Connection((client, server))
            self.connections.append(connection)
            for sockets, keep in (((client, server), self._keep_sent), ((server, client), self._keep_received)):
                # Small writes go out at once. Otherwise each relay would add a delay to every event.
                sockets[0].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.threads.append(threading.Thread(target=self._copy, args=(*sockets, connection, keep), daemon=True))
                self.threads[-1].start()

    def _keep_sent(self, connection, part):
        with self.lock:
            self.bytes += part
        if self.conversations:
            connection.sent.extend(part)

    def _keep_received(self, connection, part):
        if self.conversations:
            connection.received.extend(part)

    @staticmethod
    def _copy(source, target, connection, keep):
        try:
            while part := source.recv(65536):
                keep(connection, part)
                target.sendall(part)
        except OSError:
            shut(source, socket.SHUT_RDWR)
        shut(target, socket.SHUT_WR)


def shut(side, how):
    """Ends one direction of a connection, or both, even if the connection has ended already."""
    try:
        side.shutdown(how)
    except OSError:
        pass
