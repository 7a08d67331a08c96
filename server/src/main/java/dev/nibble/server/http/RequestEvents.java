package dev.nibble.server.http;

import jdk.jfr.FlightRecorder;
import org.jspecify.annotations.Nullable;

/**
 * Tells the Java Flight Recorder of requests. The runtime need not have the module {@code jdk.jfr}: so an event is held as an object,
 * null while nobody records.
 */
final class RequestEvents {
    private static final boolean AVAILABLE =
            ModuleLayer.boot().findModule("jdk.jfr").isPresent();

    private RequestEvents() {}

    /** Its own class, which is not loaded where there is no recorder. */
    private static final class Recorder {
        private Recorder() {}

        static @Nullable Object begin() {
            if (!FlightRecorder.isInitialized()) {
                return null;
            }
            RequestEvent event = new RequestEvent();
            event.begin();
            return event;
        }

        static void end(Object begun, Call call, String method, String path) {
            if (begun instanceof RequestEvent event && event.shouldCommit()) {
                event.requestId = call.id();
                event.method = method;
                event.path = path;
                event.status = call.status();
                event.clientLeft = call.isGone();
                event.commit();
            }
        }
    }

    /** A request has come. */
    static @Nullable Object begin() {
        return AVAILABLE ? Recorder.begin() : null;
    }

    /** It is answered, or given up. */
    static void end(@Nullable Object begun, Call call, String method, String path) {
        if (begun != null) {
            Recorder.end(begun, call, method, path);
        }
    }
}
