package dev.nibble.memory;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/** How much memory this process can still get, where the system says so: Linux, with the limits of its containers. */
public final class SystemMemory {
    private final Path root;

    /** Of this machine. */
    public SystemMemory() {
        this(Path.of("/"));
    }

    /** Of a machine whose system files lie under {@code root}. */
    public SystemMemory(Path root) {
        this.root = root;
    }

    /** Bytes that can be had without swapping, file pages that the system can drop included; empty if unknown. */
    public OptionalLong available() {
        Path meminfo = root.resolve("proc/meminfo");
        OptionalLong machine = field(meminfo, "MemAvailable:", 1024);
        return least(machine, group());
    }

    /** Bytes that can be had at all, swap included; empty if unknown. */
    public OptionalLong allocatable() {
        Path meminfo = root.resolve("proc/meminfo");
        OptionalLong machine = field(meminfo, "MemAvailable:", 1024);
        long swap = field(meminfo, "SwapFree:", 1024).orElse(0);
        OptionalLong group = group();
        return least(
                machine.isPresent() ? OptionalLong.of(machine.getAsLong() + swap) : machine,
                group.isPresent() ? OptionalLong.of(group.getAsLong() + swap) : group);
    }

    /** What is left under the tightest limit of the control groups this process is in. */
    private OptionalLong group() {
        OptionalLong left = OptionalLong.empty();
        for (String line : text(root.resolve("proc/self/cgroup")).split("\n")) {
            String[] parts = line.split(":", 3);
            if (parts.length < 3) {
                continue;
            }
            if (parts[1].isEmpty()) {
                left = least(left, walk("sys/fs/cgroup", parts[2], "memory.max", "memory.current", "file"));
            } else if (parts[1].equals("memory")) {
                left = least(
                        left,
                        walk(
                                "sys/fs/cgroup/memory",
                                parts[2],
                                "memory.limit_in_bytes",
                                "memory.usage_in_bytes",
                                "total_cache"));
            }
        }
        return left;
    }

    /** From the group up to the root, as every parent's limit counts. Inside a container the path may not be there. */
    private OptionalLong walk(String mount, String group, String limit, String usage, String dropable) {
        Path top = root.resolve(mount).normalize();
        Path folder = top.resolve(group.replaceFirst("^/+", "")).normalize();
        OptionalLong left = OptionalLong.empty();
        while (folder != null && folder.startsWith(top)) {
            OptionalLong max = number(text(folder.resolve(limit)));
            if (max.isPresent()) {
                long used = number(text(folder.resolve(usage))).orElse(0);
                long file = field(folder.resolve("memory.stat"), dropable, 1).orElse(0);
                left = least(left, OptionalLong.of(Math.max(0, max.getAsLong() - Math.max(0, used - file))));
            }
            folder = folder.getParent();
        }
        return left;
    }

    private static OptionalLong least(OptionalLong a, OptionalLong b) {
        return a.isEmpty() ? b : b.isEmpty() || a.getAsLong() <= b.getAsLong() ? a : b;
    }

    /** The number after a name that begins a line. */
    private static OptionalLong field(Path file, String name, long unit) {
        for (String line : text(file).split("\n")) {
            String[] words = line.trim().split("\\s+");
            if (words.length >= 2 && words[0].equals(name)) {
                OptionalLong value = number(words[1]);
                return value.isPresent() ? OptionalLong.of(value.getAsLong() * unit) : value;
            }
        }
        return OptionalLong.empty();
    }

    /** Empty for "max", for what is no number, and for the huge number that version 1 writes for no limit. */
    private static OptionalLong number(String text) {
        try {
            long value = Long.parseLong(text.trim());
            return value < 0 || value >= Long.MAX_VALUE / 2048 ? OptionalLong.empty() : OptionalLong.of(value);
        } catch (NumberFormatException e) {
            return OptionalLong.empty();
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file, StandardCharsets.UTF_8);
        } catch (IOException | RuntimeException e) {
            return ""; // not this system, or not permitted: unknown
        }
    }
}
