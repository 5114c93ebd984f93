"""The content of the listing servers: a JSON file with the lists of MCP, read again for each request, in pages."""

import json
from pathlib import Path

PAGE = 3


def page(path, key, cursor):
    """The result of a list request: one page, and a cursor where there are more."""
    entries = json.loads(Path(path).read_text(encoding="utf-8")).get(key, [])
    start = int(cursor.removeprefix("after ")) if cursor else 0
    result = {key: entries[start : start + PAGE]}
    return result | ({"nextCursor": f"after {start + PAGE}"} if start + PAGE < len(entries) else {})
