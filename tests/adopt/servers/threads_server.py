# SPDX-License-Identifier: Apache-2.0
"""usage: threads_server.py HOST PORT: has a thread for each connection, tells each client its
address as accept() gives it, and as getpeername() does, and closes."""

import socketserver
import sys


def name(address):
    return ("[%s]:%d" if ":" in address[0] else "%s:%d") % address[:2]


class Serve(socketserver.BaseRequestHandler):
    def handle(self):
        answer = f"{name(self.client_address)} {name(self.request.getpeername())}\n"
        self.request.sendall(answer.encode())


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 5


with Server((sys.argv[1], int(sys.argv[2])), Serve) as server:
    server.serve_forever()
