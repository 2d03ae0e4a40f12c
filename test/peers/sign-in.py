"""FastMCP's client, which stands on the Python SDK's, signs in at `sign-in.py URL` by a browser and prints the names of the tools there."""

import asyncio
import sys

from fastmcp import Client


async def main() -> None:
    async with Client(sys.argv[1], auth="oauth") as client:
        print([tool.name for tool in await client.list_tools()])


asyncio.run(main())
