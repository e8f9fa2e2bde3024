#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A WebSocket server and client of a library that others wrote (python3-websockets).

usage: websocket.py server ADDRESS[,ADDRESS...] PORT [TLS...]
       websocket.py client ADDRESS PORT [TLS...] [--source ADDRESS] [--messages N]

TLS: --ca FILE --cert FILE --key FILE; with --ca it is TLS and both sides check each other.
The server answers each message with the address that it sees and the message, and other
requests of HTTP with "this is the application". The client sends N messages, of 1 byte, 2, 4 and so
on up to 65536 and again, checks the answers, and prints the address that the server saw.
"""

import argparse
import asyncio
import http
import ssl
import sys

import websockets

LARGEST = 16  # as a power of two


def parse_arguments():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("role", choices=("server", "client"))
    parser.add_argument("address")
    parser.add_argument("port", type=int)
    for option in ("--ca", "--cert", "--key", "--source"):
        parser.add_argument(option)
    parser.add_argument("--messages", type=int, default=1)
    return parser.parse_args()


def make_context(options):
    if not options.ca:
        return None
    purpose = ssl.PROTOCOL_TLS_SERVER if options.role == "server" else ssl.PROTOCOL_TLS_CLIENT
    context = ssl.SSLContext(purpose)
    context.load_verify_locations(options.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    if options.cert:
        context.load_cert_chain(options.cert, options.key)
    return context


async def answer(connection, *_):
    async for message in connection:
        await connection.send(f"{connection.remote_address[0]} {message}")


def answer_http(*request):
    """As the library calls it before version 14 (path, headers), and since."""
    connection, headers = request[0], getattr(request[1], "headers", request[1])
    if "Upgrade" in headers:
        return None
    if isinstance(connection, str):
        return http.HTTPStatus.OK, [], b"this is the application\n"
    return connection.respond(200, "this is the application\n")


async def serve(options):
    async with websockets.serve(answer, options.address.split(","), options.port,
                                ssl=make_context(options), process_request=answer_http):
        await asyncio.Future()


async def converse(options):
    context = make_context(options)
    more = {"local_addr": (options.source, 0)} if options.source else {}
    if context:
        more.update(ssl=context, server_hostname="pbx.example.test")
    host = f"[{options.address}]" if ":" in options.address else options.address
    uri = f"{'wss' if context else 'ws'}://{host}:{options.port}/"
    async with websockets.connect(uri, **more) as connection:
        for number in range(options.messages):
            message = chr(ord("a") + number % 26) * 2 ** (number % (LARGEST + 1))
            await connection.send(message)
            address, echo = (await connection.recv()).split(" ", 1)
            if echo != message:
                raise SystemExit(f"message {number} came back as another")
    print(address)


if __name__ == "__main__":
    arguments = parse_arguments()
    try:
        asyncio.run(serve(arguments) if arguments.role == "server" else converse(arguments))
    except (OSError, websockets.WebSocketException) as error:
        sys.exit(f"{error} ({error.__cause__})")
