"""The calls that ran, in order, until the next query: `GET /ran` in front of an ASGI application."""

import json

_ran = []


def ran(**what):
    """Remembers one call of a handler."""
    _ran.append(what)


def with_ran(application):
    """The application, with `/ran` in front of it."""

    async def serve(scope, receive, send):
        if scope["type"] != "http" or scope["path"] != "/ran":
            return await application(scope, receive, send)
        # Infinity and NaN are written as Python writes them; lone surrogates as escapes.
        body = json.dumps(_ran, default=str).encode()
        _ran.clear()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return serve
