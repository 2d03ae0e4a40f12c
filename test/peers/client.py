"""The clients of the Python SDKs: `client.py mcp|mcp-sse|fastmcp [MODE URL]...`, the key in GATEWAY_KEY. Prints what it got of each as one line of JSON."""

import asyncio
import json
import os
import sys

kind = sys.argv[1]
headers = {"Authorization": f"Bearer {os.environ['GATEWAY_KEY']}"}


async def run(client, progress_argument: str) -> None:
    async with client:
        seen: list[float] = []

        async def on_progress(progress: float, total: float | None, message: str | None) -> None:
            seen.append(progress)

        tools = await client.list_tools()
        names = sorted(tool.name for tool in (tools if isinstance(tools, list) else tools.tools))
        echoed = await client.call_tool("echo", {"message": "größer 🦆"})
        counted = await client.call_tool("count", {"steps": 3}, **{progress_argument: on_progress})
        resource = await client.read_resource("note://one")
        contents = resource if isinstance(resource, list) else resource.contents
        try:
            failed = (await client.call_tool("fail", {})).is_error
        except Exception as error:
            failed = "fail" in str(error) or "as asked" in str(error)
        print(
            json.dumps(
                {
                    "tools": names,
                    "echo": echoed.content[0].text,
                    "count": counted.content[0].text,
                    "progress": seen,
                    "resource": contents[0].text,
                    "failed": failed,
                }
            )
        )


if kind == "mcp":
    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    def client_of(mode: str, url: str):
        return Client(streamable_http_client(url, http_client=httpx2.AsyncClient(headers=headers, timeout=30)), mode=mode)

elif kind == "mcp-sse":
    from mcp import Client
    from mcp.client.sse import sse_client

    def client_of(mode: str, url: str):
        return Client(sse_client(url, headers=headers), mode=mode)

else:
    from fastmcp import Client
    from fastmcp.client.transports import StreamableHttpTransport

    def client_of(mode: str, url: str):
        return Client(StreamableHttpTransport(url, headers=headers), mode=mode)


for mode, url in zip(sys.argv[2::2], sys.argv[3::2]):
    asyncio.run(run(client_of(mode, url), "progress_handler" if kind == "fastmcp" else "progress_callback"))
