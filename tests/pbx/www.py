#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A plain web server of one folder on many addresses: one process in place of one for each.

usage: www.py FOLDER HOST:PORT...    an IPv6 host is in brackets
"""

import functools
import http.server
import socket
import sys
import threading


class Server(http.server.ThreadingHTTPServer):
    def __init__(self, place, handler):
        host, _, port = place.rpartition(":")
        self.address_family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
        super().__init__((host.strip("[]"), int(port)), handler)


def main():
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
    for place in sys.argv[2:]:
        threading.Thread(target=Server(place, handler).serve_forever).start()


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main()
