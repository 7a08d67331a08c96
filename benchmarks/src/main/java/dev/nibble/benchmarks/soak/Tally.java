package dev.nibble.benchmarks.soak;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.LongAdder;

/** Counts what was done, and what went wrong: the first of a kind is printed, the others counted. */
final class Tally {
    private final Map<String, LongAdder> done = new ConcurrentSkipListMap<>();
    private final Map<String, LongAdder> failures = new ConcurrentSkipListMap<>();

    void done(String what) {
        done.computeIfAbsent(what, key -> new LongAdder()).increment();
    }

    long count(String what) {
        LongAdder count = done.get(what);
        return count == null ? 0 : count.sum();
    }

    /**
     * @param kind the same for failures that are the same fault
     * @param detail of this one
     */
    void failed(String kind, String detail) {
        LongAdder count = failures.computeIfAbsent(kind, key -> new LongAdder());
        boolean isFirst;
        synchronized (count) {
            isFirst = count.sum() == 0;
            count.increment();
        }
        if (isFirst) {
            System.out.println("FAILED " + kind + ": " + detail);
        }
    }

    void failed(String kind, Throwable thrown) {
        StringWriter stack = new StringWriter();
        thrown.printStackTrace(new PrintWriter(stack));
        failed(kind, stack.toString().strip());
    }

    boolean hasFailed() {
        return !failures.isEmpty();
    }

    long failures() {
        return failures.values().stream().mapToLong(LongAdder::sum).sum();
    }

    void print() {
        done.forEach((what, count) -> System.out.printf("%10d  %s%n", count.sum(), what));
        failures.forEach((kind, count) -> System.out.printf("%10d  FAILED %s%n", count.sum(), kind));
    }
}
