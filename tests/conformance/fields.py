"""Changes of header fields on the way through a proxy, and those that the filter may cause."""

import collections

# What the filter changes, and why: `(message, kind of body, field, change)`. A change that is not here fails the run, and
# so does one of these that did not come up. What Envoy does by itself is found by a run without the filter.
ALL = {
    ("request", "any", "authorization", "not added"): "the token stays here; Envoy adds one, since the suite cannot",
    ("request", "any", "accept-encoding", "removed"): "an answer must be readable",
}
STREAMS = {
    ("response", "stream", "content-length", "removed"): "events may be left out",
    ("response", "stream", "transfer-encoding", "added"): "so they come in chunks",
}
SEALED = {
    ("request", "any", "mcp-session-id", "changed"): "the server sees its own id",
    ("response", "stream", "mcp-session-id", "changed"): "the client sees the sealed one",
}
TASKS = {
    ("request", "any", "mcp-name", "changed"): "it names the server's own task",
    ("request", "any", "content-length", "changed"): "a sealed id is longer",
}
# The suite asks once from the allowed origin, and gets another kind of body in each revision.
PAGE = {
    "access-control-allow-origin": "the page may read the response",
    "access-control-expose-headers": "the page reads the session and the challenge",
    "vary": "a cache must not give the response to another origin",
}


def page(*bodies):
    """The fields that a page at an allowed origin gets, for these kinds of body."""
    return {("response", body, name, "added"): why for body in bodies for name, why in PAGE.items()}


# By revision and column. The fixture of 2026-07-28 never says how long a stream or a task is.
CHANGES = {
    ("2025-11-25", "through"): ALL | STREAMS | page("stream", "other"),
    ("2025-11-25", "sealed"): ALL | STREAMS | SEALED | page("stream", "other"),
    ("2026-07-28", "through"): ALL | page("json"),
    ("2026-07-28", "sealed"): ALL | TASKS | page("json"),
}


def body_of(message):
    """The kind of a response's body."""
    kind = (message.field("content-type") or "").split(";")[0]
    return {"text/event-stream": "stream", "application/json": "json"}.get(kind, "other")


def changes_of(front, back):
    """How the fields of one exchange differ between the client's side and the server's: each change with its values."""
    sides = [
        ("request", "any", front.request, back.request),
        ("response", body_of(back.response), back.response, front.response),
    ]
    for message, body, before, after in sides:
        values = [collections.defaultdict(list), collections.defaultdict(list)]
        for side, seen in zip((before, after), values):
            for name, value in side.fields:
                seen[name].append(value)
        for name in sorted({*values[0], *values[1]}):
            old, new = values[0].get(name), values[1].get(name)
            if old != new:
                change = "added" if old is None else "removed" if new is None else "changed"
                yield (message, body, name, change), (old, new)


def compare(through, bare, allowed):
    """Holds the changes with the filter against those without it; gives what is wrong. Each is a dictionary from a
    change to values that it was seen with."""
    found = {key: values for key, values in through.items() if key not in bare}
    for message, body, name, change in bare.keys() - through.keys():
        # Without the filter there is more to be seen: requests that the filter refused do not count.
        found[message, body, name, f"not {change}"] = bare[message, body, name, change]
    for key, values in sorted(found.items()):
        if key not in allowed:
            yield f"the filter changes a field: {' '.join(key)}: {values}"
    for key in allowed.keys() - found.keys():
        yield f"the filter was to change a field, and did not: {' '.join(key)}"
