# SPDX-License-Identifier: Apache-2.0
"""usage: asyncio_server.py HOST PORT: tells each client its address as accept() gives it, and as
getpeername() does, and closes."""

import asyncio
import sys


def name(address):
    return ("[%s]:%d" if ":" in address[0] else "%s:%d") % address[:2]


async def serve(_reader, writer):
    accepted = writer.get_extra_info("peername")
    named = writer.get_extra_info("socket").getpeername()
    writer.write(f"{name(accepted)} {name(named)}\n".encode())
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def main(host, port):
    server = await asyncio.start_server(serve, host, port, backlog=5)
    await server.serve_forever()


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
