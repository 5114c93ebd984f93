"""The Python SDK 1.x as a reader of hostile answers."""

import contextlib

import httpx
from clients import name, run
from mcp import ClientSession, types
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

REFUSED = types.ErrorData(code=-1, message="heard")


def plain(headers=None, timeout=None, auth=None):
    """Without certificates, which take long to load."""
    return httpx.AsyncClient(headers=headers, timeout=timeout, auth=auth, verify=False)


@contextlib.asynccontextmanager
async def connect(url, kind, tell):
    """A session that reports the server's requests and notifications."""

    def refuse(what):
        async def heard(_, params=None):
            tell(f"page {params.url}" if getattr(params, "url", None) is not None else what)
            return REFUSED

        return heard

    async def hear(message):
        # Requests are reported already; unreadable messages come as exceptions.
        if isinstance(message, types.ServerNotification):
            tell(name(message.root))

    async with (
        plain(timeout=10) as http,
        sse_client(url, httpx_client_factory=plain) if kind == "sse" else streamable_http_client(url, http_client=http) as (read, write, *_),
        ClientSession(
            read,
            write,
            sampling_callback=refuse("sampling/createMessage"),
            elicitation_callback=refuse("form"),
            list_roots_callback=refuse("roots/list"),
            message_handler=hear,
        ) as session,
    ):
        await session.initialize()
        yield session.list_tools


run(connect)
