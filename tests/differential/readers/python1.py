"""The Python SDK 1.x as a reader of hostile requests.

    python1.py PORT
"""

import contextlib
import sys

import uvicorn
from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from ran import ran, with_ran
from starlette.applications import Starlette
from starlette.routing import Mount

server = Server("python1")


async def call(request):
    """Every tool is known; the arguments are taken as they were read, without a schema."""
    ran(method="tools/call", name=request.params.name, arguments=request.params.arguments)
    return types.ServerResult(types.CallToolResult(content=[]))


async def list_tools(_):
    ran(method="tools/list")
    return types.ServerResult(types.ListToolsResult(tools=[]))


server.request_handlers[types.CallToolRequest] = call
server.request_handlers[types.ListToolsRequest] = list_tools
manager = StreamableHTTPSessionManager(app=server, json_response=True, stateless=True)


class Endpoint:
    """The manager as an ASGI application, so that no router reads the path in its own way."""

    async def __call__(self, scope, receive, send):
        if scope["path"] == "/mcp/github":
            return await manager.handle_request(scope, receive, send)
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@contextlib.asynccontextmanager
async def lifespan(_):
    async with manager.run():
        yield


application = Starlette(routes=[Mount("/", app=Endpoint())], lifespan=lifespan)
uvicorn.run(with_ran(application), host="127.0.0.1", port=int(sys.argv[1]), log_level="critical")
