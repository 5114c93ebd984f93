"""An MCP server on the Python SDK 2.x, in both eras of the protocol, that lists the content of a file, in pages.

    listing_python2.py PORT FILE [json] [stateless]
"""

import sys

import uvicorn
from mcp import types
from mcp.server.lowlevel import Server

from listing import page

port, path, *options = sys.argv[1:]


def handler(key, result):
    """Answers a list request of any kind."""

    async def answer(_, params):
        return result.model_validate(page(path, key, params and params.cursor))

    return answer


server = Server(
    "listing",
    on_list_tools=handler("tools", types.ListToolsResult),
    on_list_prompts=handler("prompts", types.ListPromptsResult),
    on_list_resources=handler("resources", types.ListResourcesResult),
    on_list_resource_templates=handler("resourceTemplates", types.ListResourceTemplatesResult),
)
app = server.streamable_http_app(json_response="json" in options, stateless_http="stateless" in options)
uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning")
