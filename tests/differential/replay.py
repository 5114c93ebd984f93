"""A server that replays given answers byte by byte: `/VARIANT/N` is one input of `answers.py`."""

import asyncio
import json
import logging
import threading
import zlib

# The id of the requests of the corpus; an SDK chooses its own, and gets the answer under that one.
ID = "4711"
INITIALIZED = {
    "protocolVersion": "2025-11-25",
    "capabilities": {"tools": {"listChanged": True}, "resources": {"subscribe": True}, "logging": {}},
    "serverInfo": {"name": "replay", "version": "1"},
}


class Answer:
    """An answer: a status, header fields, and a body that is cut at these offsets, or (`None`) behind each byte."""

    def __init__(self, status, headers=(), body=b"", cuts=(), open_seconds=0):
        self.status, self.headers, self.body, self.cuts = status, headers, body, cuts
        self.open_seconds = open_seconds

    def pieces(self, request_id):
        """The pieces of the body, under another id, in whichever encoding."""
        if self.cuts is None:
            body = under(self.body, request_id)
            return [body[at : at + 1] for at in range(len(body))]
        coding = dict(self.headers).get("content-encoding")
        if coding is not None:
            return [coded_under(self.body, coding.split(b" ")[-1], request_id)]
        edges = [0, *self.cuts, len(self.body)]
        return [under(self.body[a:b], request_id) for a, b in zip(edges, edges[1:]) if a < b]


def under(text, request_id):
    """The text with the SDK's own id."""
    for code in ("utf-8", "utf-16-le", "utf-16-be"):
        text = text.replace(ID.encode(code), str(request_id).encode(code))
    return text


def coded_under(body, coding, request_id):
    """A coded body with the SDK's own id."""
    window = {b"gzip": 31, b"deflate": 15}.get(coding)
    if window is None:
        # The corpus stores these without compression, so a text of the same length can replace them.
        return body.replace(ID.encode(), str(request_id).rjust(len(ID)).encode())
    coder = zlib.compressobj(wbits=window)
    return coder.compress(under(zlib.decompress(body, window), request_id)) + coder.flush()


class Route:
    """One address: the answer to its list (kind `list`) or to its first GET (`stream`, `sse`). `posted`: where a client
    of HTTP with SSE posts to, within the address."""

    def __init__(self, kind, answer):
        self.kind, self.answer, self.posted = kind, answer, []


class Replay:
    """The server; `routes` maps a path to its [`Route`]."""

    def __init__(self, routes):
        self.routes = routes
        self.loop = asyncio.new_event_loop()
        self.port = None
        ready = threading.Event()
        threading.Thread(target=self._run, args=(ready,), daemon=True).start()
        ready.wait()

    def _run(self, ready):
        async def serve():
            server = await asyncio.start_server(self._connection, "127.0.0.1", 0, backlog=1024)
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await server.serve_forever()

        # Clients disconnect in the middle of an answer that they cannot read.
        logging.getLogger("asyncio").setLevel(logging.ERROR)
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(serve())

    async def _connection(self, reader, writer):
        try:
            while await self._exchange(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, ValueError):
            pass
        finally:
            writer.close()

    async def _exchange(self, reader, writer):
        """One request and its answer; whether another may follow."""
        head = await reader.readuntil(b"\r\n\r\n")
        line, *fields = head.decode("latin-1").split("\r\n")
        method, path, _ = line.split(" ")
        fields = dict(field.lower().split(": ", 1) for field in fields if ": " in field)
        body = b""
        if "content-length" in fields:
            body = await reader.readexactly(int(fields["content-length"]))
        elif fields.get("transfer-encoding") == "chunked":
            while size := int(await reader.readuntil(b"\r\n"), 16):
                body += (await reader.readexactly(size + 2))[:-2]
            await reader.readexactly(2)
        answer, request_id = self._answer(method, path, body)
        return await write(writer, answer, request_id)

    def _answer(self, method, path, body):
        """The answer, and the id that it is under."""
        address = "/".join(path.split("?")[0].split("/")[:3])
        route = self.routes.get(address)
        if route is None:
            return Answer(404), 0
        if method == "GET":
            answer, route.answer = (None, route.answer) if route.kind == "list" else (route.answer, None)
            return answer or Answer(405), 0
        if route.kind == "sse":
            route.posted.append(path.removeprefix(address))
            return Answer(202), 0
        message = json.loads(body) if method == "POST" else {}
        request_id = message.get("id")
        if "method" not in message or request_id is None:
            return Answer(200 if method == "DELETE" else 202), 0
        if message["method"] == "tools/list" and route.kind == "list":
            return route.answer, request_id
        result = {"initialize": INITIALIZED, "tools/list": {"tools": []}}.get(message["method"], {})
        body = json.dumps({"jsonrpc": "2.0", "id": request_id, "result": result}).encode()
        return Answer(200, [("content-type", b"application/json"), ("mcp-session-id", b"s")], body), request_id


async def write(writer, answer, request_id):
    """Writes an answer, each piece as a chunk of its own; whether the connection stays open."""
    fields = [b"%s: %s\r\n" % (name.encode(), value) for name, value in answer.headers]
    pieces = answer.pieces(request_id)
    framing = b"transfer-encoding: chunked\r\n" if pieces else b"content-length: 0\r\n"
    out = [b"HTTP/1.1 %d Answer\r\n%s%s\r\n" % (answer.status, b"".join(fields), framing)]
    if pieces:
        out += [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces]
    writer.write(b"".join(out))
    await writer.drain()
    if pieces:
        await asyncio.sleep(answer.open_seconds)
        writer.write(b"0\r\n\r\n")
    return True
