"""`toolward import` against servers that mean harm, or are broken: a clear message, in bounded time and memory, and no text
of theirs that becomes anything but text."""

import contextlib
import http.server
import itertools
import json
import os
import subprocess
import threading
import time

import pytest
import yaml
from gateway import CLI, free_port

MEBIBYTE = 1 << 20
# What the command line itself takes is a tenth of this.
MOST_MEMORY = 300 * MEBIBYTE


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as the test says: status, headers, and parts of the body."""

    def do_POST(self):  # pylint: disable=invalid-name
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.requests.append(message["method"])
        status, headers, parts = self.server.answer(message)
        with contextlib.suppress(OSError):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            for part in parts:
                self.wfile.write(part)
                self.server.sent += len(part)

    do_DELETE = do_POST

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


@contextlib.contextmanager
def serving(answer):
    """A server, for as long as the context."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads, server.block_on_close = True, False
        server.answer, server.requests, server.sent = answer, [], 0
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def toolward(server, *arguments, scheme="http"):
    """Imports from a server: exit status, standard output, standard error; its memory is looked at."""
    url = f"{scheme}://127.0.0.1:{server.server_port}/mcp"
    command = [str(CLI), "import", url, "--name", "acme", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        told = []
        reader = threading.Thread(target=lambda: told.append(process.stderr.read()))
        reader.start()
        out = process.stdout.read()
        reader.join()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert usage.ru_maxrss * 1024 < MOST_MEMORY
    assert not any(ord(c) < 32 and c != "\n" for c in told[0]), told
    return process.returncode, out, told[0]


JSON = {"content-type": "application/json"}
EVENTS = {"content-type": "text/event-stream"}


def said(message, **members):
    """A JSON-RPC answer."""
    return 200, JSON, [json.dumps({"jsonrpc": "2.0", "id": message["id"], **members}).encode()]


def lists(tools):
    """A server of revision 2026-07-28 that has tools: given, or what a function makes of the request's message."""

    def answer(message):
        if message["method"] == "server/discover":
            return said(message, result={})
        if message["method"] != "tools/list":
            return said(message, error={"code": -32601, "message": "unknown"})
        made = tools(message) if callable(tools) else said(message, result={"tools": tools})
        return made if isinstance(made, tuple) else said(message, result=made)

    return answer


def tool(name, **members):
    """A tool as a server describes it."""
    return {"name": name, "inputSchema": {"type": "object"}} | members


def raw(text, headers=JSON):
    """A server that answers `tools/list` with this text, in which ID stands for the request's id."""
    to_bytes = lambda part: part if isinstance(part, bytes) else part.encode()
    return lists(lambda message: (200, headers, [to_bytes(text).replace(b"ID", str(message["id"]).encode())]))


def result(tools):
    """An answer with this text as the list of tools."""
    return f'{{"jsonrpc":"2.0","id":ID,"result":{{"tools":{tools}}}}}'


def every(status, headers, *parts):
    """A server that answers everything like this."""
    return lambda _: (status, headers, parts)


counter = itertools.count()
BROKEN = {
    "the same cursor for ever": (lists(lambda _: {"tools": [], "nextCursor": "again"}), "gives the same page again and again"),
    "another cursor for ever": (
        lists(lambda _: {"tools": [], "nextCursor": str(next(counter))}), "`tools/list`: more than 1000 pages"),
    "a cursor that is no text": (
        lists(lambda _: {"tools": [], "nextCursor": 5}), "expected a text as `nextCursor`, found something else"),
    "too many entries": (
        lists([tool(f"t{number}") for number in range(20_001)]), "`tools/list`: more than 20000 entries"),
    "100 MB": (lists(lambda _: (200, JSON, itertools.repeat(b" " * MEBIBYTE, 100))), "lists more than 16 MiB"),
    "100 MB as one event": (
        lists(lambda _: (200, EVENTS, itertools.chain([b"data: "], itertools.repeat(b"x" * MEBIBYTE, 100)))),
        "lists more than 16 MiB"),
    "100 MB as notifications": (
        lists(lambda _: (200, EVENTS, itertools.repeat(b'data: {"method":"notifications/message"}\n\n' * 20_000, 200))),
        "lists more than 16 MiB"),
    "100 MB on many pages": (
        lists(lambda _: {"tools": [tool("t", description="x" * 500_000)], "nextCursor": str(next(counter))}),
        "lists more than 16 MiB"),
    "a key twice": (raw(result('[{"name":"a","name":"b"}]')), "no strict JSON, at byte 55 (RepeatedKey)"),
    "a key twice as an event": (
        raw(f'data: {result("[]")[:-1]},"id":0}}\n\n', EVENTS), "(RepeatedKey)"),
    "NaN": (raw(result('[{"name":"a","inputSchema":{"maximum":NaN}}]')), "(Syntax)"),
    "a number that no double holds": (
        raw(result('[{"name":"a","inputSchema":{"maximum":1e999}}]')), "(NumberOutOfRange)"),
    "deep nesting": (raw(result("[" * 100_000 + "]" * 100_000)), "(TooDeep)"),
    "a half surrogate pair": (raw(result(r'[{"name":"\ud800"}]')), "(LoneSurrogate)"),
    "no UTF-8": (raw(b'{"id":ID,"result":{"tools":[{"name":"\xff"}]}}'), "not UTF-8"),
    "no UTF-8 as an event": (raw(b"data: \xff\n\n", EVENTS), "not UTF-8"),
    "a key that resembles": (lists([tool("a", Description="b")]), "tool `a`: a key resembles a member of MCP in another spelling"),
    "no list": (raw(result("{}")), "the answer has no list `tools`"),
    "no tools": (raw('{"jsonrpc":"2.0","id":ID,"result":{}}'), "the answer has no list `tools`"),
    "a tool that is a text": (lists(["a"]), "an entry of a list is not an object"),
    "a tool without name": (lists([{"inputSchema": {}}]), "an entry of a list has no `name`"),
    "an answer to somebody else": (raw('{"jsonrpc":"2.0","id":99,"result":{"tools":[]}}'), "without a JSON-RPC answer"),
    "HTML": (raw("<html>", {"content-type": "text/html"}), "HTTP 200 without a JSON-RPC answer, content type `text/html`"),
    "JSON that says it is HTML": (
        raw(result("[]"), {"content-type": "text/html; \u00e9"}), "HTTP 200 without a JSON-RPC answer"),
    "a header with control characters": (raw(result("[]"), {"content-type": "text/html\x1b"}), "what came is no HTTP"),
    "nothing": (raw(""), "HTTP 200 without a JSON-RPC answer"),
    "an event cut off": (raw(f"data: {result('[]')}\n", EVENTS), "HTTP 200 without a JSON-RPC answer"),
    "less than announced": (raw("{", JSON | {"content-length": "50"}), "breaks its answer off"),
    "an error": (
        lists(lambda message: said(message, error={"code": -32000, "message": "no\n\x1b[2J"})),
        "the server refuses `tools/list` (-32000): no\\u{a}\\u{1b}[2J"),
    "unknown on the second page": (
        lists(lambda message: said(message, error={"code": -32601, "message": "x"})
              if "cursor" in message["params"] else {"tools": [], "nextCursor": "more"}),
        "the server refuses `tools/list` (-32601)"),
    "an error everywhere": (every(500, JSON), "no answer to `initialize`: HTTP 500"),
    "no such page": (every(404, {"content-type": "text/html"}, b"<h1>"), "no answer to `initialize`: HTTP 404"),
    "no token": (every(401, {"www-authenticate": "Bearer"}), "wants a token (HTTP 401): give `--token-file`"),
    "a revision that is none": (
        lambda message: said(message, result={"protocolVersion": "2025\r\nX: y"}) if message["method"] == "initialize"
        else said(message, error={"code": -1, "message": "no"}),
        "the server names no revision of the protocol"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_answer_is_reported_and_nothing_is_written(name, tmp_path):
    answer, message = BROKEN[name]
    with serving(answer) as server:
        path = tmp_path / "acme.yaml"
        status, out, told = toolward(server, "--output", path)
        assert server.sent < 40 * MEBIBYTE
    assert (status, out) == (2, "") and not path.exists()
    assert message in told and told.startswith("toolward: ") and len(told) < 600, told


def slowly(first, parts):
    """Parts of a body with pauses between them."""
    yield first
    for part in parts:
        time.sleep(0.05)
        yield part


@pytest.mark.parametrize("headers", [JSON, EVENTS], ids=["JSON", "events"])
@pytest.mark.parametrize("part", [b" ", b""], ids=["drip", "silence"])
def test_a_server_that_takes_its_time_is_given_up(headers, part):
    with serving(lists(lambda _: (200, headers, slowly(b"data: ", itertools.repeat(part, 200))))) as server:
        status, out, told = toolward(server, "--timeout", 1)
    assert (status, out) == (2, "") and "takes longer than 1 s for its lists (`--timeout`)" in told, told


def test_time_counts_for_all_pages_together():
    def page(_):
        time.sleep(0.3)
        return {"tools": [], "nextCursor": str(next(counter))}

    with serving(lists(page)) as server:
        status, _, told = toolward(server, "--timeout", 1)
        assert len(server.requests) < 6
    assert status == 2 and "takes longer than 1 s" in told, told


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status, tmp_path):
    token = tmp_path / "token"
    token.write_text("secret")
    with serving(lists([tool("theirs")])) as other:
        location = f"http://localhost:{other.server_port}/mcp"
        with serving(every(status, {"location": location})) as server:
            code, out, told = toolward(server, "--token-file", token)
        assert other.requests == []
    assert (code, out) == (2, "") and f"HTTP {status}" in told and f"a redirect to `{location}`, which is not followed" in told


def test_a_server_without_tls_or_without_a_listener_is_reported():
    with serving(lists([tool("a")])) as server:
        status, _, told = toolward(server, scheme="https")
        assert server.requests == []
    assert status == 2 and "does not answer" in told, told
    server.server_port = free_port()
    status, _, told = toolward(server)
    assert status == 2 and "does not answer" in told and "refused" in told, told


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"], ids=["LF", "CR", "CRLF"])
def test_events_may_be_cut_anywhere(end):
    def answer(message):
        data = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": {"tools": [tool("gr\u00fc\u00dfe")]}}, ensure_ascii=False)
        cut = data.index(",") + 1
        lines = [b": hello", b"", b"event: message", b"id: 1", b"data: " + data[:cut].encode(), b"data:" + data[cut:].encode()]
        stream = b"\xef\xbb\xbf" + end.join([*lines, b"", b""])
        return 200, EVENTS, (stream[index : index + 1] for index in range(len(stream)))

    with serving(lists(answer)) as server:
        status, out, told = toolward(server)
    assert status == 0 and list(yaml.safe_load(out)["catalogues"]["acme"]["tools"]) == ["gr\u00fc\u00dfe"], told


# What a policy can name, however YAML would take it without quotes.
NAMES = [
    "true", "no", "~", "null", "12", "1e3", "0x1", "2026-11-20", "a: b", "a # b", "# b", "- a", "? a", "{a: b}", "[a]", "'", '"', "''",
    "\\", "\\n", "&a", "*a", "!a", "!!str a", "%YAML 1.2", "@a", "`a`", "|", ">", "---", "...", "=", ":", ",", "a\"}, {x: \"",
    "review: pending", "tier: read", "__proto__", "\u00e9", "e\u0301", "\u65e5\u672c\u8a9e", "\U0001f600",
]
# What acts instead of being seen; and `<<`, by which readers of YAML merge maps.
UNNAMEABLE = [
    "<<", "", "a\nb", "a\n        tier: read\n", "a\rb", "a\tb", "a\x00b", "\x1b[2Ja", "a\x7f", "a\x85b", "a\u2028b", "a\u2029b", "a\u202eb",
    "a\u2066b", "a\u200bb", "\ufeffa", "a\u00adb", "\U000e0041a",
]


def test_names_stay_unchanged_or_are_left_out(tmp_path):
    names = [name for pair in itertools.zip_longest(NAMES, UNNAMEABLE) for name in pair if name is not None]
    path = tmp_path / "acme.yaml"
    with serving(lists([tool(name, description=name, title=name) for name in names])) as server:
        status, _, told = toolward(server, "--output", path)
        assert toolward(server, "--check", path)[:2] == (0, "")
    text = path.read_text(encoding="utf-8")
    catalogue = yaml.safe_load(text)["catalogues"]["acme"]
    assert list(catalogue) == ["tools"] and list(catalogue["tools"]) == NAMES
    for name, entry in catalogue["tools"].items():
        assert entry["note"] == name.strip() and entry["review"] == "pending"
        assert set(entry) == {"tier", "review", "definition", "note", "input_schema"}
    # Reported, with an exit status that a script cannot mistake for success.
    assert status == 1 and told.count("left out: ") == len(UNNAMEABLE), told
    assert not any(ord(c) < 32 and c != "\n" or 0x7F <= ord(c) < 0xA0 or ord(c) in range(0x2028, 0x202F) for c in text)
    assert subprocess.run([CLI, "fmt", "--check", path], check=False).returncode == 0
    # The text of a server does not confirm itself.
    done = subprocess.run([CLI, "check", path, "--revision", "r"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and (done.stdout + done.stderr).count("is not confirmed") == len(NAMES)


def test_schemas_stay_unchanged(tmp_path):
    texts = [text for text in [*NAMES, *UNNAMEABLE] if text not in ("<<", "__proto__")]
    schema = {"type": "object", "properties": {name: {"description": name, "const": name} for name in texts}}
    path = tmp_path / "acme.yaml"
    with serving(lists([tool("a", inputSchema=schema)])) as server:
        status, _, told = toolward(server, "--output", path)
    taken = yaml.safe_load(path.read_text(encoding="utf-8"))["catalogues"]["acme"]["tools"]["a"]
    assert status == 0, told
    assert taken["input_schema"] == schema


def test_a_name_with_several_definitions_is_left_out(tmp_path):
    path = tmp_path / "acme.yaml"
    tools = [tool("pay", description="Safe."), tool("same"), tool("same"), tool("pay", description="Pays."), tool("pay")]
    with serving(lists(tools)) as server:
        status, _, told = toolward(server, "--output", path)
    assert status == 1 and list(yaml.safe_load(path.read_text())["catalogues"]["acme"]["tools"]) == ["same"]
    assert told.splitlines() == [
        "left out: `pay`: the server lists it with several definitions, so none is taken",
        "note: `same`: the server lists it again, it is taken once",
        "1 entries to review",
    ]
