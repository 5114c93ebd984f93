"""An MCP server on the Python SDK 1.x that lists the content of a file, in pages.

    listing_python1.py PORT FILE [json] [stateless]
"""

import contextlib
import sys

import uvicorn
from mcp import types
from mcp.server.fastmcp.server import StreamableHTTPASGIApp
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.applications import Starlette
from starlette.routing import Route

from listing import page

port, path, *options = sys.argv[1:]
server = Server("listing")


def handler(key, result):
    """Answers a list request of any kind."""

    async def answer(request):
        return types.ServerResult(result.model_validate(page(path, key, request.params and request.params.cursor)))

    return answer


for request_type, key, result_type in (
    (types.ListToolsRequest, "tools", types.ListToolsResult),
    (types.ListPromptsRequest, "prompts", types.ListPromptsResult),
    (types.ListResourcesRequest, "resources", types.ListResourcesResult),
    (types.ListResourceTemplatesRequest, "resourceTemplates", types.ListResourceTemplatesResult),
):
    server.request_handlers[request_type] = handler(key, result_type)

manager = StreamableHTTPSessionManager(server, json_response="json" in options, stateless="stateless" in options)


@contextlib.asynccontextmanager
async def lifespan(_):
    """As long as the application runs, so do its sessions."""
    async with manager.run():
        yield


app = Starlette(routes=[Route("/mcp", StreamableHTTPASGIApp(manager))], lifespan=lifespan)
uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning")
