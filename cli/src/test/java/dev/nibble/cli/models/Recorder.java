package dev.nibble.cli.models;

import java.util.ArrayList;
import java.util.List;

/** Remembers what was said. */
final class Recorder implements Reporter {
    final List<String> lines = new ArrayList<>();
    final List<String> started = new ArrayList<>();
    final List<Long> totals = new ArrayList<>();
    long lastBytes = -1;

    @Override
    public void say(String line) {
        lines.add(line);
    }

    @Override
    public Progress start(String what, long total) {
        started.add(what);
        return new Progress() {
            @Override
            public void total(long bytes) {
                totals.add(bytes);
            }

            @Override
            public void at(long bytes) {
                lastBytes = bytes;
            }
        };
    }
}
