"""The tools that every test server offers, so that results do not depend on the server."""

import asyncio


async def echo(text: str) -> str:
    """Says it again."""
    return f"echo: {text}"


async def wait(seconds: float) -> str:
    """Answers after some time."""
    await asyncio.sleep(seconds)
    return f"waited {seconds}"


async def merge_pull_request(owner: str, repo: str, number: int) -> str:
    """Merges a pull request."""
    return f"merged {owner}/{repo}#{number}"


async def delete_repository(owner: str, repo: str) -> str:
    """Deletes a repository."""
    return f"deleted {owner}/{repo}"


async def rotate_keys(owner: str, repo: str) -> str:
    """Replaces keys. No policy knows it."""
    return f"rotated {owner}/{repo}"


TOOLS = [echo, wait, merge_pull_request, delete_repository, rotate_keys]
