"""The hostile corpus against real readers. The filter must deny every request that a reader runs differently than the
filter judged it.

    differential.py --cli dist/test/toolward --rmcp PATH [--go PATH] [--page docs/differential.md] [--out dist/differential.md]

Sends the requests of `tests/scenarios/differential`, byte for byte, to each reader and asks it what ran. With `BLESS=1`
the page is written, else it must be as the readers say. `tests/differential/README.md` says more.
"""

import base64
import concurrent.futures
import ctypes
import http.client
import json
import math
import re
import signal
import socket
import subprocess
import sys
import time
from decimal import Decimal

import corpus
from corpus import HERE, LEAST_HEARD, TOOLS
from page import write_page

READY_SECONDS = 60
ANSWER_SECONDS = 10
# An answer without a result may come before the handler runs.
SETTLE_SECONDS = 0.03
NOT_RUN = "not run"


class Reader:
    """One reader: a process that several of them may share, a path for requests, and a path that returns the calls that ran."""

    def __init__(self, name, command, *, path=None, ran="/ran"):
        self.name, self.command, self.path, self.ran = name, command, path, ran
        self.port = None


def readers(options):
    """Every reader, in the order of the page; a command of `None` means that the reader is not installed."""
    node = lambda file, *more: ("node", HERE / "readers" / file, "@PORT@", *more)
    python = lambda version: (TOOLS / f"mcp{version}/bin/python", HERE / f"readers/python{version}.py", "@PORT@")
    rust = (options.rmcp, "@PORT@")
    go = (options.go, "@PORT@") if options.go else None
    return [
        Reader("TypeScript 1.x", node("typescript1.mjs")),
        Reader("TypeScript 1.x, Express", node("typescript1.mjs", "express")),
        Reader("TypeScript 2.x", node("typescript2.mjs")),
        Reader("TypeScript 2.x, Express", node("typescript2.mjs", "express")),
        Reader("Python 1.x", python(1)),
        Reader("Python 2.x", python(2)),
        Reader("rmcp", rust),
        Reader("serde_json", rust, path=b"/by-hand", ran="/ran-by-hand"),
        Reader("Go SDK", go),
        Reader("Go encoding/json", go, path=b"/by-hand", ran="/ran-by-hand"),
    ]


def free_port():
    """A free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def die_with_parent():
    """In the child: end if this program is killed outright."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def start(all_readers, running):
    """Starts each command once and waits until all listen."""
    ports = {}
    for reader in all_readers:
        if reader.command is None:
            continue
        command = tuple(str(part) for part in reader.command)
        if command not in ports:
            ports[command] = free_port()
            filled = [part.replace("@PORT@", str(ports[command])) for part in command]
            # Readers report each body that they reject, which would fill the screen.
            quiet = {"stdin": subprocess.DEVNULL, "stdout": corpus.output(), "stderr": corpus.output()}
            running.append(subprocess.Popen(filled, **quiet, preexec_fn=die_with_parent))
        reader.port = ports[command]
    deadline = time.monotonic() + READY_SECONDS
    for command, port in ports.items():
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if time.monotonic() > deadline:
                raise SystemExit(f"`{' '.join(command)}` did not start; VERBOSE=1 shows what it says")
            time.sleep(0.05)


def request_bytes(reader, request):
    """The request as it goes onto the wire; only `Host` is the reader's own."""
    decode = base64.b64decode
    fields = [(name.encode(), decode(value)) for name, value in request["headers"]]
    fields = [(name, value) for name, value in fields if name != b"authorization"]
    body = decode(request["body"]) if request["body"] is not None else None
    trailers = [(name.encode(), decode(value)) for name, value in request["trailers"]]
    fields = [(b"host", b"127.0.0.1:%d" % reader.port), (b"connection", b"close"), *fields]
    if trailers:
        fields.append((b"transfer-encoding", b"chunked"))
    elif body is not None:
        fields.append((b"content-length", b"%d" % len(body)))
    path = reader.path or decode(request["path"])
    head = b"%s %s HTTP/1.1\r\n" % (request["method"].encode(), path)
    head += b"".join(b"%s: %s\r\n" % field for field in fields) + b"\r\n"
    if trailers:
        end = b"".join(b"%s: %s\r\n" % field for field in trailers)
        return head + b"%x\r\n%s\r\n0\r\n%s\r\n" % (len(body), body, end)
    return head + (body or b"")


def send(reader, data):
    """Sends bytes and reads the answer. Returns its status, 0 for none."""
    with socket.create_connection(("127.0.0.1", reader.port), timeout=ANSWER_SECONDS) as connection:
        try:
            connection.sendall(data)
        except OSError:
            pass  # answered before everything was sent
        answer = http.client.HTTPResponse(connection)
        try:
            answer.begin()
            stream = answer.headers.get("content-type", "").startswith("text/event-stream")
            if not (stream and data.startswith(b"GET")):
                answer.read()
            return answer.status
        except (OSError, http.client.HTTPException):
            return 0


def what_ran(reader):
    """The calls that the reader ran since the last query."""
    connection = http.client.HTTPConnection("127.0.0.1", reader.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", reader.ran)
        data = connection.getresponse().read()
        try:
            text = data.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            # A reader that hands on bytes as they came.
            text = data.decode("utf-8", "replace")
        try:
            return json.loads(text, parse_int=Decimal, parse_float=Decimal)
        except RecursionError:
            # Deeper than this program reads: the calls are reported without their arguments.
            names = re.findall(r'"name": ?"(\w+)"', text)
            return [{"method": "tools/call", "name": name, "arguments": {"deep": True}} for name in names]
    finally:
        connection.close()


def run_reader(reader, inputs):
    """What the reader ran of every input: id to list; `None` if the reader is not installed."""
    if reader.command is None:
        return {scenario: None for scenario in inputs}
    result = {}
    what_ran(reader)
    for scenario, (request, _) in inputs.items():
        status = send(reader, request_bytes(reader, request))
        if not 200 <= status < 300 or status == 202:
            time.sleep(SETTLE_SECONDS if status in (0, 202) else 0)
        try:
            result[scenario] = what_ran(reader)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise SystemExit(f"{reader.name} did not survive `{scenario}`: {error!r}") from error
    return result


def load(cli):
    """Every input: id to its request and the filter's decision record."""
    inputs = {}
    for scenario, exchange in corpus.load(cli, "differential"):
        (record,) = exchange["records"]
        inputs[scenario] = (exchange["request"], record)
    return inputs


def judged(request, record):
    """The request that the filter let pass, the only one that may run; `None` if it denied."""
    if record["result"] != "permit":
        return None
    what = {"method": record.get("method", "")}
    if "tool" in record:
        what["name"] = record["tool"]
        message = json.loads(base64.b64decode(request["body"]), parse_int=Decimal, parse_float=Decimal)
        what["arguments"] = message["params"].get("arguments")
    return what


def same(ran, said):
    """Whether two values are the same, numbers as near as a double holds them (serde_json is off by one in the last
    place at times): what policy asks of a number holds for the rounded one too (`docs/conditions.md`)."""
    if isinstance(ran, Decimal) and isinstance(said, Decimal):
        return ran == said or math.isclose(float(ran), float(said), rel_tol=2**-51, abs_tol=0)
    if isinstance(ran, dict) and isinstance(said, dict):
        return ran.keys() == said.keys() and all(same(ran[key], said[key]) for key in ran)
    if isinstance(ran, list) and isinstance(said, list):
        return len(ran) == len(said) and all(map(same, ran, said))
    return type(ran) is type(said) and ran == said


def violates(ran, allowed):
    """Whether a request ran that the filter did not judge."""
    if not ran or allowed is None:
        return False
    (first, *more) = ran
    arguments = first.get("arguments") or {}
    return bool(
        more
        or first["method"] != allowed["method"]
        or first.get("name") != allowed.get("name")
        or not same(arguments, allowed.get("arguments") or {})
    )


def main():
    options = corpus.options(__doc__, program="readers", page="differential.md")
    inputs = load(options.cli)
    all_readers = readers(options)
    missing = [reader.name for reader in all_readers if reader.command is None]
    running = []
    try:
        start(all_readers, running)
        with concurrent.futures.ThreadPoolExecutor(len(all_readers)) as pool:
            results = list(pool.map(lambda reader: run_reader(reader, inputs), all_readers))
    finally:
        for process in running:
            process.kill()
            process.wait()

    violations = []
    for reader, result in zip(all_readers, results):
        for scenario, ran in result.items():
            request, record = inputs[scenario]
            allowed = judged(request, record)
            if violates(ran, allowed):
                violations.append(f"{scenario}: {reader.name} ran {ran}, the filter judged {allowed}")
        # A reader that runs nothing would agree with everything.
        count = sum(1 for ran in result.values() if ran)
        if reader.command is not None and count < LEAST_HEARD:
            violations.append(f"{reader.name} ran {count} inputs: it is not working")
    page = write_page(inputs, all_readers, results)
    counts = {"inputs": len(inputs), "programs": len(all_readers)}
    return corpus.finish(
        options, page, **counts, missing=missing, violations=violations, names=("inputs", "readers")
    )


if __name__ == "__main__":
    sys.exit(main())
