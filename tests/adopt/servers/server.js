// SPDX-License-Identifier: Apache-2.0
// usage: node server.js HOST PORT: tells each client its address as getpeername() gives it (node
// does not ask accept() for it), and closes.
"use strict";
const net = require("net");

const server = net.createServer((socket) => {
	const { remoteAddress, remoteFamily, remotePort } = socket;
	const host = remoteFamily === "IPv6" ? `[${remoteAddress}]` : remoteAddress;

	socket.on("error", (error) => console.error(`ERROR ${error}`));
	socket.end(`${host}:${remotePort}\n`);
});

server.on("error", (error) => console.error(`ERROR ${error}`));
server.listen({ host: process.argv[2], port: Number(process.argv[3]), backlog: 5 });
