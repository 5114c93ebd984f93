"""An MCP server on the Python SDK 1.x whose tools run as tasks of 2025-11-25, and which does not check whose a task is:
their ids are 1, 2, 3 …, and any session can use any of them. Whoever asks is told all of them in a list.

    tasks.py PORT [bound]

With `bound` the SDK makes the ids, and binds them to sessions.
"""

import contextlib
import sys
import warnings
from itertools import count

import anyio
import uvicorn
from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.applications import Starlette
from starlette.routing import Mount

PORT, BOUND = int(sys.argv[1]), sys.argv[2:] == ["bound"]
NUMBERS = count(1)
QUESTION = {"type": "object", "properties": {"branch": {"type": "string"}}, "required": ["branch"]}

warnings.simplefilter("ignore", DeprecationWarning)
server = Server("tasks")
support = server.experimental.enable_tasks()

if not BOUND:

    @server.experimental.list_tasks()
    async def every_task(request):
        """Everybody's."""
        tasks, cursor = await support.store.list_tasks(None)
        return types.ListTasksResult(tasks=tasks, nextCursor=cursor)


@server.list_tools()
async def tools():
    """All of them run as tasks only."""
    execution = types.ToolExecution(taskSupport="required")
    schema = {"type": "object"}
    return [types.Tool(name=name, inputSchema=schema, execution=execution) for name in ("build", "ask", "wait")]


def text(said):
    """A result."""
    return types.CallToolResult(content=[types.TextContent(type="text", text=said)])


async def build(task):
    """Says how far it is, and that it is done."""
    await task.update_status("half of it", notify=True)
    return text("built")


async def ask(task):
    """Asks which branch."""
    answer = await task.elicit("Which branch?", QUESTION)
    return text(f"built {answer.content['branch']}")


async def wait(task):
    """Never ends."""
    await anyio.sleep_forever()


@server.call_tool()
async def call(name, arguments):
    """Starts a task."""
    work = {"build": build, "ask": ask, "wait": wait}[name]
    own = {} if BOUND else {"task_id": str(next(NUMBERS))}
    return await server.request_context.experimental.run_task(work, **own)


manager = StreamableHTTPSessionManager(app=server)


@contextlib.asynccontextmanager
async def lifespan(app):
    """Sessions live as long as the server."""
    async with manager.run():
        yield


app = Starlette(routes=[Mount("/", app=manager.handle_request)], lifespan=lifespan)
uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="warning")
