"""An MCP server on the Python SDK 2.x: both eras of the protocol, no sessions, answers as plain JSON.

    python2.py PORT
"""

import sys

import uvicorn
from mcp.server import MCPServer

from tools import TOOLS

server = MCPServer("python2")
for tool in TOOLS:
    server.tool()(tool)
app = server.streamable_http_app(json_response=True, stateless_http=True)
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
