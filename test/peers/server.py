"""A real server of the Python SDKs: `server.py mcp|fastmcp PORT`, streamable HTTP on loopback at /mcp."""

import asyncio
import sys

kind, port = sys.argv[1], int(sys.argv[2])

if kind == "mcp":
    from mcp.server.mcpserver import Context, MCPServer

    server = MCPServer("python-mcp")
else:
    from fastmcp import Context, FastMCP

    server = FastMCP("python-fastmcp")


@server.tool()
def echo(message: str) -> str:
    """Says the message again."""
    return f"Echo: {message}"


@server.tool()
async def count(steps: int, ctx: Context) -> str:
    """Counts, with progress."""
    for step in range(1, steps + 1):
        await ctx.report_progress(step, steps)
        await asyncio.sleep(0.02)
    return f"counted to {steps}"


@server.tool()
def fail() -> str:
    """Fails."""
    raise ValueError("as asked")


@server.resource("note://one")
def note() -> str:
    """A note."""
    return "the note"


if kind == "mcp":
    asyncio.run(server.run_streamable_http_async(host="127.0.0.1", port=port))
else:
    server.run(transport="http", host="127.0.0.1", port=port, path="/mcp", show_banner=False)
