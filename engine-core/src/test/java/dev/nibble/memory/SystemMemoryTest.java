package dev.nibble.memory;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SystemMemoryTest {
    private static final long KIB = 1024;

    @TempDir
    Path root;

    @Test
    void unknownWithoutTheFiles() {
        assertThat(new SystemMemory(root).available()).isEmpty();
        assertThat(new SystemMemory(root).allocatable()).isEmpty();
    }

    @Test
    void theMachine() throws IOException {
        meminfo();
        assertThat(new SystemMemory(root).available()).hasValue(6000 * KIB);
        assertThat(new SystemMemory(root).allocatable()).hasValueSatisfying(room -> {
            assertThat(room.bytes()).isEqualTo(6500 * KIB);
            assertThat(room).hasToString("only 6.66 MB are left of the memory of this machine");
        });
    }

    @Test
    void theTightestGroupCounts() throws IOException {
        meminfo();
        write("proc/self/cgroup", "0::/a/b\n");
        write("sys/fs/cgroup/a/memory.max", "3000000\n");
        write("sys/fs/cgroup/a/memory.current", "2000000\n");
        write("sys/fs/cgroup/a/memory.stat", "anon 1200000\nfile 800000\n");
        write("sys/fs/cgroup/a/b/memory.max", "max\n");
        assertThat(new SystemMemory(root).available()).hasValue(1_800_000);
        assertThat(new SystemMemory(root).allocatable()).hasValueSatisfying(room -> {
            assertThat(room.bytes()).isEqualTo(1_800_000 + 500 * KIB);
            assertThat(room.limit()).isEqualTo("under the limit of 3.00 MB of the control group a");
        });
    }

    @Test
    void aContainerThatSeesOnlyTheRootOfItsGroups() throws IOException {
        write("proc/self/cgroup", "0::/../../outside\n");
        write("sys/fs/cgroup/memory.max", "1000000\n");
        assertThat(new SystemMemory(root).available()).isEmpty();
        write("proc/self/cgroup", "0::/not/there\n");
        assertThat(new SystemMemory(root).available()).hasValue(1_000_000);
    }

    @Test
    void versionOne() throws IOException {
        meminfo();
        write("proc/self/cgroup", "5:cpu:/x\n4:memory:/x\n");
        write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"); // none
        write("sys/fs/cgroup/memory/x/memory.limit_in_bytes", "500000\n");
        write("sys/fs/cgroup/memory/x/memory.usage_in_bytes", "600000\n");
        assertThat(new SystemMemory(root).available()).hasValue(0);
    }

    @Test
    void swapThatAGroupMayNotUseDoesNotCount() throws IOException {
        meminfo();
        write("proc/self/cgroup", "0::/a\n");
        write("sys/fs/cgroup/a/memory.max", "1000000\n");
        write("sys/fs/cgroup/a/memory.current", "400000\n");
        write("sys/fs/cgroup/a/memory.swap.max", "100000\n");
        write("sys/fs/cgroup/a/memory.swap.current", "70000\n");
        assertThat(allocatable()).isEqualTo(600_000 + 30_000);
        assertThat(new SystemMemory(root).available()).hasValue(600_000);
    }

    @Test
    void versionOneLimitsMemoryAndSwapTogether() throws IOException {
        meminfo();
        write("proc/self/cgroup", "9:cpu,memory:/x\n");
        write("sys/fs/cgroup/memory/x/memory.limit_in_bytes", "500000\n");
        write("sys/fs/cgroup/memory/x/memory.usage_in_bytes", "300000\n");
        write("sys/fs/cgroup/memory/x/memory.memsw.limit_in_bytes", "550000\n");
        write("sys/fs/cgroup/memory/x/memory.memsw.usage_in_bytes", "320000\n");
        assertThat(allocatable()).isEqualTo(230_000);
    }

    /** Files in memory, and what processes share, stay. */
    @Test
    void onlyFilesOnADiskAreDropped() throws IOException {
        write("proc/self/cgroup", "0::/\n");
        write("sys/fs/cgroup/memory.max", "1000000\n");
        write("sys/fs/cgroup/memory.current", "900000\n");
        write("sys/fs/cgroup/memory.stat", "anon 300000\nfile 600000\nshmem 500000\n");
        assertThat(allocatable()).isEqualTo(200_000);
        assertThat(new SystemMemory(root).allocatable().orElseThrow().limit())
                .isEqualTo("under the limit of 1.00 MB of this container");
    }

    @Test
    void limitsOfTheProcessCount() throws IOException {
        write("proc/meminfo", "MemAvailable: 6000000 kB\n");
        write("proc/self/status", "VmSize:\t 1500000 kB\nVmData:\t  100000 kB\nRssAnon:\t   60000 kB\n");
        write(
                "proc/self/limits",
                "Limit  Soft Limit  Hard Limit  Units\nMax data size             unlimited            "
                        + "unlimited            bytes\nMax address space         2048000000           unlimited            bytes\n");
        assertThat(new SystemMemory(root).allocatable()).hasValueSatisfying(room -> {
            assertThat(room.bytes()).isEqualTo(2_048_000_000L - 1_500_000 * KIB);
            assertThat(room.limit()).isEqualTo("under this process's limit of 2.05 GB of address space (ulimit -v)");
        });
    }

    @Test
    void theVirtualMachineIsMeasuredAndGrows() throws IOException {
        assertThat(new SystemMemory(root).runtimeBytes()).isEmpty();
        assertThat(new SystemMemory(root).runtimeGrowth()).isZero();
        write("proc/self/status", "RssAnon:\t   40000 kB\n");
        long now = new SystemMemory(root).runtimeBytes().orElseThrow();
        assertThat(now).isEqualTo(40_000 * KIB - NativeMemory.writtenBytes());
        assertThat(now + new SystemMemory(root).runtimeGrowth()).isBetween(90_000_000L, 90_000_000L + (4L << 30));
        write("proc/self/status", "RssAnon:\t   " + (1L << 40) + " kB\n");
        assertThat(new SystemMemory(root).runtimeGrowth()).isEqualTo(16_000_000);
    }

    @Test
    void whatIsPromisedAndNotWrittenIsTaken() throws IOException {
        write("proc/meminfo", "MemAvailable: 102400 kB\n");
        long before = allocatable();
        try (NativeMemory memory = new NativeMemory()) {
            assertThat(memory.reserve(30_000_000, 0)).isEmpty();
            assertThat(allocatable()).isEqualTo(before - 30_000_000);
            MemorySegment first = memory.allocate(10_000_000);
            assertThat(allocatable()).isEqualTo(before - 30_000_000);
            first.fill((byte) 1);
            memory.written();
            assertThat(allocatable()).isEqualTo(before - 20_000_000);
            memory.releaseReserved();
            assertThat(allocatable()).isEqualTo(before);
            memory.allocate(5_000_000);
            assertThat(allocatable()).isEqualTo(before - 5_000_000);
        }
        assertThat(allocatable()).isEqualTo(before);
    }

    private long allocatable() {
        return new SystemMemory(root).allocatable().orElseThrow().bytes();
    }

    @Test
    void nonsenseIsUnknown() throws IOException {
        write("proc/meminfo", "MemAvailable: lots\n\n:::\n");
        write("proc/self/cgroup", "nothing\n::\n");
        assertThat(new SystemMemory(root).available()).isEmpty();
    }

    private void meminfo() throws IOException {
        write("proc/meminfo", "MemTotal: 8000 kB\nMemAvailable:    6000 kB\nSwapFree: 500 kB\n");
    }

    private void write(String file, String text) throws IOException {
        Path path = root.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }
}
