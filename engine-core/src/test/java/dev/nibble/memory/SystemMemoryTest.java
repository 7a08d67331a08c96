package dev.nibble.memory;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
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
        assertThat(new SystemMemory(root).allocatable()).hasValue(6500 * KIB);
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
        assertThat(new SystemMemory(root).allocatable()).hasValue(1_800_000 + 500 * KIB);
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
