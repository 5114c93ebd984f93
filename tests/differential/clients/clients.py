"""The common part of both Python clients: it asks each address for its tools and reports the messages, a line of JSON each.

    echo '[{"id", "url", "kind"}]' | pythonN.py
"""

import asyncio
import json
import logging
import sys

AT_ONCE = 24
CONNECT_SECONDS = 10
ANSWER_SECONDS = 2
# Nobody answers on a stream of HTTP with SSE; where the client posts to is what counts.
POST_SECONDS = 1.5
STREAM_SECONDS = 0.6
SETTLE_SECONDS = 0.1


def name(message):
    """The name of a server's request or notification in the table; `message` is the SDK's model of it."""
    message = message.model_dump(mode="json", by_alias=True, warnings=False)
    method, params = message.get("method"), message.get("params") or {}
    if method == "elicitation/create":
        return f"page {params['url']}" if "url" in params else "form"
    if method == "notifications/resources/updated":
        return f"updated {params.get('uri')}"
    return method


def pages(error):
    """The pages that an error sends the human to."""
    data = getattr(getattr(error, "error", None), "data", None)
    asked = data.get("elicitations") if isinstance(data, dict) else None
    return [f"page {page['url']}" for page in asked or [] if isinstance(page, dict) and "url" in page]


async def listen(url, kind, connect):
    """What is heard from this address. `connect(url, kind, tell)`: a context with a session, whose `list_tools` is asked."""
    heard = []
    limit = POST_SECONDS if kind == "sse" else CONNECT_SECONDS + ANSWER_SECONDS
    try:
        async with asyncio.timeout(limit), connect(url, kind, heard.append) as list_tools:
            if kind == "stream":
                await asyncio.sleep(STREAM_SECONDS)
            try:
                answer = await asyncio.wait_for(list_tools(), ANSWER_SECONDS)
                heard += [f"tool {tool.name}" for tool in answer.tools]
            except Exception as error:
                heard += pages(error)
            await asyncio.sleep(SETTLE_SECONDS)
    except Exception:
        pass  # earlier messages are reported
    return heard


def run(connect):
    """Reads the addresses and listens to each."""
    logging.disable()
    inputs = iter(json.load(sys.stdin))

    async def worker():
        for each in inputs:
            heard = await listen(each["url"], each["kind"], connect)
            print(json.dumps({"id": each["id"], "heard": heard}), flush=True)

    async def workers():
        await asyncio.gather(*(worker() for _ in range(AT_ONCE)))

    asyncio.run(workers())
