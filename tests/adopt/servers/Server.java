// SPDX-License-Identifier: Apache-2.0
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;

/**
 * usage: java Server.java PORT: listens at all addresses of both families, has a thread for each
 * connection, tells each client its address as accept() gives it, and closes.
 */
public final class Server {
	private static void serve(Socket socket) {
		try (socket) {
			InetSocketAddress peer = (InetSocketAddress) socket.getRemoteSocketAddress();
			String host = peer.getAddress().getHostAddress().replaceFirst("%.*", "");

			if (peer.getAddress() instanceof Inet6Address)
				host = host.equals("0:0:0:0:0:0:0:1") ? "[::1]" : "[" + host + "]";
			/* what it can do on a socket of its listener's own family alone */
			socket.setTrafficClass(0x60);
			if (socket.getTrafficClass() != 0x60)
				throw new IOException("the traffic class is not as it was set");
			socket.getOutputStream().write((host + ":" + peer.getPort() + "\n").getBytes());
		} catch (IOException e) {
			System.err.println("ERROR " + e);
		}
	}

	public static void main(String[] args) throws IOException {
		try (ServerSocket listener = new ServerSocket(Integer.parseInt(args[0]), 5)) {
			for (;;) {
				Socket socket = listener.accept();

				new Thread(() -> serve(socket)).start();
			}
		}
	}
}
