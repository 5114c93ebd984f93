"""The Python SDK 2.x as a reader of hostile answers."""

import contextlib

import httpx2
import mcp_types as types
from clients import name, run
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

REFUSED = types.ErrorData(code=-1, message="heard")


def plain(headers=None, timeout=None, auth=None):
    """Without certificates, which take long to load."""
    return httpx2.AsyncClient(headers=headers, timeout=timeout, auth=auth, verify=False)


@contextlib.asynccontextmanager
async def connect(url, kind, tell):
    """A client that reports the server's requests and notifications."""

    def refuse(what):
        async def heard(_, params=None):
            tell(f"page {params.url}" if getattr(params, "url", None) is not None else what)
            return REFUSED

        return heard

    async def hear(message):
        if hasattr(message, "method"):
            tell(name(message))

    async with (
        plain(timeout=10) as http,
        Client(
            sse_client(url, httpx_client_factory=plain) if kind == "sse" else streamable_http_client(url, http_client=http),
            mode="legacy",
            sampling_callback=refuse("sampling/createMessage"),
            elicitation_callback=refuse("form"),
            list_roots_callback=refuse("roots/list"),
            message_handler=hear,
        ) as client,
    ):
        yield lambda: client.list_tools(cache_mode="bypass")


run(connect)
