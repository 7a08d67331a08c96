package dev.nibble.jfr;

import jdk.jfr.Event;
import jdk.jfr.FlightRecorder;
import org.jspecify.annotations.Nullable;

/**
 * Tells the Java Flight Recorder what happens, under names that begin with {@code dev.nibble.}. What begins is an event, or null while
 * nobody records; then nothing is made and the time is not asked for. The runtime need not have the module {@code jdk.jfr}: so others
 * hold events as objects.
 */
public final class Events {
    private static final boolean AVAILABLE =
            ModuleLayer.boot().findModule("jdk.jfr").isPresent();

    private Events() {}

    /** Whether something may be recording. */
    private static boolean isOn() {
        return AVAILABLE && Recorder.isOn();
    }

    /** Its own class, which is not loaded where there is no recorder. */
    private static final class Recorder {
        private Recorder() {}

        static boolean isOn() {
            return FlightRecorder.isInitialized();
        }

        static @Nullable Object beginLoad() {
            return begin(new ModelLoadEvent());
        }

        static @Nullable Object beginPrompt() {
            return begin(new PromptEvent());
        }

        static @Nullable Object beginBatch() {
            return begin(new BatchEvent());
        }

        static @Nullable Object beginWait() {
            return begin(new WaitEvent());
        }

        private static @Nullable Object begin(Event event) {
            if (!event.isEnabled()) {
                return null;
            }
            event.begin();
            return event;
        }

        static void load(Object begun, String file, String architecture, String backend, long bytes) {
            if (begun instanceof ModelLoadEvent event) {
                event.file = file;
                event.architecture = architecture;
                event.backend = backend;
                event.bytes = bytes;
                event.commit();
            }
        }

        static void prompt(Object begun, int tokens, int cached) {
            if (begun instanceof PromptEvent event && event.shouldCommit()) {
                event.promptTokens = tokens;
                event.cachedTokens = cached;
                event.commit();
            }
        }

        static void batch(Object begun, int sessions, int steps, int promptRows) {
            if (begun instanceof BatchEvent event && event.shouldCommit()) {
                event.sessions = sessions;
                event.steps = steps;
                event.promptRows = promptRows;
                event.commit();
            }
        }

        static void waited(Object begun, int waiting) {
            if (begun instanceof WaitEvent event && event.shouldCommit()) {
                event.waiting = waiting;
                event.commit();
            }
        }

        static void stop(Object begun) {
            if (begun instanceof WaitEvent event) {
                event.end();
            }
        }

        static void prefix(int tokens) {
            PrefixEvent event = new PrefixEvent();
            event.tokens = tokens;
            event.commit();
        }

        static void eviction(long wanted, long freed) {
            EvictionEvent event = new EvictionEvent();
            event.wantedBytes = wanted;
            event.freedBytes = freed;
            event.commit();
        }

        static void cancellation(int tokens) {
            CancellationEvent event = new CancellationEvent();
            event.generatedTokens = tokens;
            event.commit();
        }
    }

    /** A model is being loaded. */
    public static @Nullable Object beginLoad() {
        return isOn() ? Recorder.beginLoad() : null;
    }

    /** It is loaded. */
    public static void endLoad(@Nullable Object event, String file, String architecture, String backend, long bytes) {
        if (event != null) {
            Recorder.load(event, file, architecture, backend, bytes);
        }
    }

    /** A prompt is being evaluated. */
    public static @Nullable Object beginPrompt() {
        return isOn() ? Recorder.beginPrompt() : null;
    }

    /** It is evaluated, or given up. */
    public static void endPrompt(@Nullable Object event, int tokens, int cached) {
        if (event != null) {
            Recorder.prompt(event, tokens, cached);
        }
    }

    /** A batch is being evaluated. */
    public static @Nullable Object beginBatch() {
        return isOn() ? Recorder.beginBatch() : null;
    }

    /** It is evaluated. */
    public static void endBatch(@Nullable Object event, int sessions, int steps, int promptRows) {
        if (event != null) {
            Recorder.batch(event, sessions, steps, promptRows);
        }
    }

    /** A session waits for a batch. */
    public static @Nullable Object beginWait() {
        return isOn() ? Recorder.beginWait() : null;
    }

    /** It waits no longer, as another thread knows; it says so itself afterwards. */
    public static void stopWait(@Nullable Object event) {
        if (event != null) {
            Recorder.stop(event);
        }
    }

    /** It waits no longer. */
    public static void endWait(@Nullable Object event, int waiting) {
        if (event != null) {
            Recorder.waited(event, waiting);
        }
    }

    /** A session took over tokens. */
    public static void prefix(int tokens) {
        if (isOn()) {
            Recorder.prefix(tokens);
        }
    }

    /** Prefixes were dropped. */
    public static void eviction(long wantedBytes, long freedBytes) {
        if (isOn()) {
            Recorder.eviction(wantedBytes, freedBytes);
        }
    }

    /** A generation was cancelled after so many tokens. */
    public static void cancellation(int tokens) {
        if (isOn()) {
            Recorder.cancellation(tokens);
        }
    }
}
