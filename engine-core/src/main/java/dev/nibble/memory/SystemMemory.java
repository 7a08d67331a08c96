package dev.nibble.memory;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * How much memory this process can still get, where the system says so: Linux, with the limits of its containers and of the
 * process itself. What {@link NativeMemory} was given and has not yet been written to is taken, though the system does not
 * know yet.
 */
public final class SystemMemory {
    /** What a JVM that runs a model takes for itself in the end: heap without buffers, classes, compilers, stacks. */
    private static final long WARM_RUNTIME = 96_000_000;

    /** By which it may always grow. */
    private static final long LEAST_GROWTH = 16_000_000;

    private final Path root;

    /** Of this machine. */
    public SystemMemory() {
        this(Path.of("/"));
    }

    /** Of a machine whose system files lie under {@code root}. */
    public SystemMemory(Path root) {
        this.root = root;
    }

    /**
     * What is left under a limit.
     *
     * @param limit says which, as it follows "5 MB are left"
     */
    public record Room(long bytes, String limit) {
        /** As {@code only 5.00 MB are left of the memory of this machine}. */
        @Override
        public String toString() {
            return "only " + ByteCount.text(bytes) + " are left " + limit;
        }
    }

    /** Bytes that can be had without swapping, file pages that the system can drop included; empty if unknown. */
    public OptionalLong available() {
        Optional<Room> tightest = tightest(false);
        return tightest.isPresent() ? OptionalLong.of(tightest.get().bytes()) : OptionalLong.empty();
    }

    /** What can be had at all, swap included, under the tightest limit; empty if unknown. */
    public Optional<Room> allocatable() {
        return tightest(true);
    }

    /**
     * What the JVM takes for itself now: heap, classes, compiled code, stacks, all that is no file and not from
     * {@link NativeMemory}; empty if unknown.
     */
    public OptionalLong runtimeBytes() {
        OptionalLong anonymous = field(root.resolve("proc/self/status"), "RssAnon:", 1024);
        return anonymous.isEmpty()
                ? anonymous
                : OptionalLong.of(Math.max(0, anonymous.getAsLong() - NativeMemory.writtenBytes()));
    }

    /** What the JVM will take for itself beyond {@link #runtimeBytes}, about; 0 if that is unknown. */
    public long runtimeGrowth() {
        OptionalLong now = runtimeBytes();
        if (now.isEmpty()) {
            return 0;
        }
        Runtime runtime = Runtime.getRuntime();
        // Of the free heap, the youngest third is written to before the first collection, whatever lives in it.
        long free = Math.min(runtime.freeMemory(), Math.max(0, runtime.totalMemory() - now.getAsLong()));
        return Math.max(LEAST_GROWTH, Math.max(WARM_RUNTIME - now.getAsLong(), free / 3));
    }

    private Optional<Room> tightest(boolean withSwap) {
        List<Room> rooms = new ArrayList<>();
        long pending = NativeMemory.pendingBytes();
        Path meminfo = root.resolve("proc/meminfo");
        long swap = withSwap ? field(meminfo, "SwapFree:", 1024).orElse(0) : 0;
        OptionalLong machine = field(meminfo, "MemAvailable:", 1024);
        if (machine.isPresent()) {
            rooms.add(room(machine.getAsLong() + swap - pending, "of the memory of this machine"));
        }
        addGroups(rooms, swap, pending);
        addProcess(rooms);
        return rooms.stream().min(Comparator.comparingLong(Room::bytes));
    }

    private static Room room(long bytes, String limit) {
        return new Room(Math.max(0, bytes), limit);
    }

    /** What was given counts here, written to or not. */
    private void addProcess(List<Room> rooms) {
        Path limits = root.resolve("proc/self/limits");
        Path status = root.resolve("proc/self/status");
        addProcess(rooms, limits, "Max address space", status, "VmSize:", "address space (ulimit -v)");
        addProcess(rooms, limits, "Max data size", status, "VmData:", "data (ulimit -d)");
    }

    private static void addProcess(List<Room> rooms, Path limits, String row, Path status, String used, String what) {
        for (String line : text(limits).split("\n")) {
            if (line.startsWith(row)) {
                OptionalLong limit = number(line.substring(row.length()).strip().split("\\s+")[0]);
                OptionalLong now = field(status, used, 1024);
                if (limit.isPresent() && now.isPresent()) {
                    rooms.add(room(
                            limit.getAsLong() - now.getAsLong(),
                            "under this process's limit of " + ByteCount.text(limit.getAsLong()) + " of " + what));
                }
            }
        }
    }

    /** What is left under the limits of the control groups this process is in. */
    private void addGroups(List<Room> rooms, long swap, long pending) {
        for (String line : text(root.resolve("proc/self/cgroup")).split("\n")) {
            String[] parts = line.split(":", 3);
            if (parts.length == 3 && parts[1].isEmpty()) {
                walk(rooms, GroupFiles.VERSION_2, parts[2], swap, pending);
            } else if (parts.length == 3 && List.of(parts[1].split(",")).contains("memory")) {
                walk(rooms, GroupFiles.VERSION_1, parts[2], swap, pending);
            }
        }
    }

    /** The names of a version's files; where there is no swap of its own, that of memory and swap together. */
    private enum GroupFiles {
        VERSION_1(
                "sys/fs/cgroup/memory",
                "memory.limit_in_bytes",
                "memory.usage_in_bytes",
                "memory.memsw.limit_in_bytes",
                "memory.memsw.usage_in_bytes",
                "total_cache",
                "total_shmem"),
        VERSION_2(
                "sys/fs/cgroup",
                "memory.max",
                "memory.current",
                "memory.swap.max",
                "memory.swap.current",
                "file",
                "shmem");

        final String mount;
        final String limit;
        final String usage;
        final String swapLimit;
        final String swapUsage;
        final String file;
        final String shared; // a part of file that cannot be dropped

        GroupFiles(
                String mount,
                String limit,
                String usage,
                String swapLimit,
                String swapUsage,
                String file,
                String shared) {
            this.mount = mount;
            this.limit = limit;
            this.usage = usage;
            this.swapLimit = swapLimit;
            this.swapUsage = swapUsage;
            this.file = file;
            this.shared = shared;
        }
    }

    /** From the group up to the root, as every parent's limit counts. Inside a container the path may not be there. */
    private void walk(List<Room> rooms, GroupFiles files, String group, long swap, long pending) {
        Path top = root.resolve(files.mount).normalize();
        Path folder = top.resolve(group.replaceFirst("^/+", "")).normalize();
        while (folder != null && folder.startsWith(top)) {
            OptionalLong max = number(text(folder.resolve(files.limit)));
            if (max.isPresent()) {
                Path stat = folder.resolve("memory.stat");
                long dropable = Math.max(
                        0,
                        field(stat, files.file, 1).orElse(0)
                                - field(stat, files.shared, 1).orElse(0));
                long used = number(text(folder.resolve(files.usage))).orElse(0);
                long left = Math.max(0, max.getAsLong() - Math.max(0, used - dropable));
                OptionalLong swapMax = number(text(folder.resolve(files.swapLimit)));
                long swapUsed = number(text(folder.resolve(files.swapUsage))).orElse(0);
                if (swapMax.isPresent()) {
                    left = files == GroupFiles.VERSION_2
                            ? left + Math.min(swap, Math.max(0, swapMax.getAsLong() - swapUsed))
                            : Math.min(left + swap, swapMax.getAsLong() - Math.max(0, swapUsed - dropable));
                } else {
                    left += swap;
                }
                String name = top.relativize(folder).toString();
                rooms.add(room(
                        left - pending,
                        "under the limit of " + ByteCount.text(max.getAsLong())
                                + (name.isEmpty() ? " of this container" : " of the control group " + name)));
            }
            folder = folder.getParent();
        }
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

    /** Empty for "max" and "unlimited", for what is no number, and for the huge number that version 1 writes for no limit. */
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
