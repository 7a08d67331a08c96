package dev.nibble.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordedStackTrace;
import jdk.jfr.consumer.RecordingFile;

/** Where a task allocates: what a test that counts too many bytes prints. */
final class AllocationSites {
    private static final long NANOS = Duration.ofSeconds(5).toNanos();
    private static final int FRAMES = 12;
    private static final int SITES = 8;

    private AllocationSites() {}

    /** Repeats the task for a while, and gives what it allocated most often, with the methods that did, the last one first. */
    static String of(Runnable task) throws UncheckedIOException {
        try (Recording recording = new Recording()) {
            recording.enable("jdk.ObjectAllocationInNewTLAB").withStackTrace();
            recording.enable("jdk.ObjectAllocationOutsideTLAB").withStackTrace();
            recording.start();
            long end = System.nanoTime() + NANOS;
            while (System.nanoTime() < end) {
                task.run();
            }
            recording.stop();
            Path file = Files.createTempFile("allocation", ".jfr");
            try {
                recording.dump(file);
                Map<String, Integer> counts = new TreeMap<>();
                for (RecordedEvent event : RecordingFile.readAllEvents(file)) {
                    if (event.getEventType().getName().startsWith("jdk.ObjectAllocation")) { // others are the library's
                        counts.merge(site(event), 1, Integer::sum);
                    }
                }
                return counts.entrySet().stream()
                        .sorted(Map.Entry.<String, Integer>comparingByValue(Comparator.reverseOrder()))
                        .limit(SITES)
                        .map(site -> site.getValue() + " x " + site.getKey())
                        .collect(Collectors.joining("\n", "allocated at:\n", ""));
            } finally {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String site(RecordedEvent event) {
        RecordedStackTrace trace = event.getStackTrace();
        String type = event.getClass("objectClass").getName();
        return trace == null
                ? type
                : trace.getFrames().stream()
                        .limit(FRAMES)
                        .map(frame -> frame.getMethod().getType().getName() + "."
                                + frame.getMethod().getName() + ":" + frame.getLineNumber())
                        .collect(Collectors.joining("\n    ", type + " in\n    ", ""));
    }
}
