"""The MCP Python SDK 1.x as a client that runs tools as tasks.

The script is as in `tests/e2e/README.md`; its steps are `{"start": tool}`, `{"poll": id}`, `{"result": id}`,
`{"cancel": id}` and `{"list": true}`. An id that is a number is that of the task which this step started. `seen` has
the ids in what the server sent by itself.
"""

import asyncio
import json
import sys

import httpx
from mcp import ClientSession, McpError, types
from mcp.client.streamable_http import streamable_http_client

SEEN = []


async def answer(context, params):
    """The human's answer; the question says to which task it belongs."""
    related = params.meta.model_dump()["io.modelcontextprotocol/related-task"]
    SEEN.append({"asked": related["taskId"]})
    return types.ElicitResult(action="accept", content={"branch": "main"})


async def hear(message):
    """The server's notifications about tasks."""
    if isinstance(message, types.ServerNotification) and isinstance(message.root, types.TaskStatusNotification):
        SEEN.append({"told": message.root.params.taskId})


async def take(session, step, results):
    """Takes one step."""
    tasks = session.experimental
    ((what, named),) = step.items()
    name = results[named]["task"] if isinstance(named, int) and what != "list" else named
    if what == "start":
        return {"task": (await tasks.call_tool_as_task(name)).task.taskId}
    if what == "poll":
        async for state in tasks.poll_task(name):
            pass
        return {"task": state.taskId, "status": state.status}
    if what == "result":
        result = await tasks.get_task_result(name, types.CallToolResult)
        related = result.meta["io.modelcontextprotocol/related-task"]["taskId"]
        return {"task": related, "text": result.content[0].text}
    if what == "cancel":
        state = await tasks.cancel_task(name)
        return {"task": state.taskId, "status": state.status}
    return {"tasks": [task.taskId for task in (await tasks.list_tasks()).tasks]}


async def run(script):
    headers = {"authorization": f"Bearer {script['token']}"}
    results = []
    async with (
        httpx.AsyncClient(headers=headers, timeout=10) as http,
        streamable_http_client(script["url"], http_client=http) as (read, write, _),
        ClientSession(read, write, elicitation_callback=answer, message_handler=hear) as session,
    ):
        await session.initialize()
        for step in script["steps"]:
            try:
                results.append(await take(session, step, results))
            except McpError as error:
                detail = error.error
                results.append({"error": {"code": detail.code, "message": detail.message, "data": detail.data}})
    return {"results": results, "seen": SEEN}


print(json.dumps(asyncio.run(run(json.loads(sys.argv[1])))))
