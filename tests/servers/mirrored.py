"""An MCP server whose tool has arguments that clients of 2026-07-28 repeat in headers (`x-mcp-header`).

    mirrored.py PORT
"""

import sys
from typing import Annotated

import uvicorn
from mcp.server import MCPServer
from pydantic import Field


def deploy(
    name: str,
    region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})],
    size: Annotated[int, Field(json_schema_extra={"x-mcp-header": "Size_GB"})] = 1,
    dry: Annotated[bool, Field(json_schema_extra={"x-mcp-header": "Dry-Run"})] = False,
) -> str:
    """Deploys nothing."""
    return f"{name} in {region}, {size}, {dry}"


server = MCPServer("mirrored")
server.tool()(deploy)
app = server.streamable_http_app(json_response=True, stateless_http=True)
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
