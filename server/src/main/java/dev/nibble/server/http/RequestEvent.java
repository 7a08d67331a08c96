package dev.nibble.server.http;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

@Name("dev.nibble.Request")
@Label("Request")
@Description("The server answered a request")
@Category("Nibble")
@StackTrace(false)
final class RequestEvent extends Event {
    @Label("Request Id")
    String requestId = "";

    @Label("Method")
    String method = "";

    @Label("Path")
    String path = "";

    @Label("Status")
    @Description("0 if nothing was sent")
    int status;

    @Label("Client Left")
    boolean clientLeft;
}
