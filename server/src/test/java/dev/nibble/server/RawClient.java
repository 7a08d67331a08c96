package dev.nibble.server;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** A client that sends what it is told, and may leave at any time. */
final class RawClient implements AutoCloseable {
    private final Socket socket;

    RawClient(NibbleServer server) throws IOException {
        this(server, 0);
    }

    /**
     * @param receiveBuffer bytes that may be on their way to a client that does not read, 0 for the usual
     */
    RawClient(NibbleServer server, int receiveBuffer) throws IOException {
        socket = new Socket();
        if (receiveBuffer > 0) {
            socket.setReceiveBufferSize(receiveBuffer);
        }
        socket.setSoTimeout(30_000);
        socket.connect(new java.net.InetSocketAddress(
                InetAddress.getLoopbackAddress(), server.address().getPort()));
    }

    RawClient send(String text) throws IOException {
        OutputStream out = socket.getOutputStream();
        out.write(text.getBytes(StandardCharsets.UTF_8));
        out.flush();
        return this;
    }

    RawClient post(String path, String json) throws IOException {
        String body = json.replace('\'', '"');
        return send("POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
                + body.getBytes(StandardCharsets.UTF_8).length + "\r\n\r\n" + body);
    }

    /** Reads until the text comes, or the end. */
    String readUntil(String text) throws IOException {
        StringBuilder read = new StringBuilder();
        InputStream in = socket.getInputStream();
        while (read.indexOf(text) < 0) {
            int value = in.read();
            if (value < 0) {
                break;
            }
            read.append((char) value);
        }
        return read.toString();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
