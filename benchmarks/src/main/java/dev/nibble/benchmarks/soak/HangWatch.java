package dev.nibble.benchmarks.soak;

import com.sun.management.HotSpotDiagnosticMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Ends the process, with the stacks of all its threads, when something that was begun does not end. */
final class HangWatch {
    /** Who does something, and since when. */
    static final class Pulse {
        private record Operation(String name, long since) {}

        private final String who;
        private volatile @Nullable Operation running;

        private Pulse(String who) {
            this.who = who;
        }

        void begin(String operation) {
            running = new Operation(operation, System.nanoTime());
        }

        void end() {
            running = null;
        }
    }

    private final List<Pulse> pulses = new CopyOnWriteArrayList<>();
    private final int seconds;
    private final Path folder;

    HangWatch(int seconds, Path folder) {
        this.seconds = seconds;
        this.folder = folder;
        Thread.ofPlatform().daemon().name("hang watch").start(this::watch);
    }

    Pulse pulse(String who) {
        Pulse pulse = new Pulse(who);
        pulses.add(pulse);
        return pulse;
    }

    private void watch() {
        while (true) {
            try {
                Thread.sleep(1000);
            } catch (InterruptedException e) {
                return;
            }
            for (Pulse pulse : pulses) {
                Pulse.Operation running = pulse.running;
                if (running != null && System.nanoTime() - running.since > TimeUnit.SECONDS.toNanos(seconds)) {
                    System.out.println("FAILED hang: " + pulse.who + ": " + running.name + " has not ended after "
                            + seconds + " s");
                    dump();
                    Runtime.getRuntime().halt(SoakRun.EXIT_HANGS);
                }
            }
        }
    }

    /** Prints the stacks of all threads, virtual ones too. */
    private void dump() {
        Path file = folder.resolve("threads.txt");
        try {
            ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class)
                    .dumpThreads(file.toString(), HotSpotDiagnosticMXBean.ThreadDumpFormat.TEXT_PLAIN);
            Files.readAllLines(file).forEach(System.out::println);
        } catch (IOException e) {
            System.out.println("no thread dump: " + e);
        }
        System.out.flush();
    }
}
