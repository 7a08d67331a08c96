package dev.nibble.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.constantpool.Utf8Entry;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Which packages of the CPU backend know which. */
class RoomsTest {
    private static final Pattern NAME = Pattern.compile("dev/nibble/(cpu(?:/[a-z]+)*)/[A-Z]");

    /** From the lowest to the highest: each may know those before it. Those of one line may know each other. */
    private static final List<Set<String>> ORDER = List.of(
            Set.of("cpu/pool"),
            Set.of("cpu/quant"),
            Set.of("cpu/repack"),
            Set.of("cpu/kernel"),
            Set.of("cpu/scalar"),
            Set.of("cpu/vector", "cpu/interleaved"),
            Set.of("cpu/machine"),
            Set.of("cpu/state"),
            Set.of("cpu/op"),
            Set.of("cpu"));

    @Test
    void noRoomKnowsOneAboveIt() throws Exception {
        Map<String, Set<String>> known = known();
        assertThat(known.keySet())
                .containsExactlyInAnyOrderElementsOf(
                        ORDER.stream().flatMap(Set::stream).toList());
        known.forEach((room, others) ->
                assertThat(others).as("what %s knows", room).allMatch(other -> level(other) <= level(room)));
    }

    /** What a model does is no matter of how its weights are multiplied. */
    @Test
    void operationsAndStateKnowNoFamilyOfKernels() throws Exception {
        for (String room : List.of("cpu/op", "cpu/state", "cpu/kernel", "cpu/repack", "cpu/pool")) {
            assertThat(known().get(room)).doesNotContain("cpu/scalar", "cpu/vector", "cpu/interleaved", "cpu/machine");
        }
    }

    private static int level(String room) {
        for (int i = 0; i < ORDER.size(); i++) {
            if (ORDER.get(i).contains(room)) {
                return i;
            }
        }
        throw new AssertionError("a room without a place: " + room);
    }

    /** The packages that the classes of each package name. */
    private static Map<String, Set<String>> known() throws IOException, URISyntaxException {
        Path classes = Path.of(CpuBackend.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
        Map<String, Set<String>> known = new TreeMap<>();
        try (Stream<Path> files = Files.walk(classes.resolve("dev/nibble/cpu"))) {
            for (Path file : files.filter(RoomsTest::isProductClass).toList()) {
                String room = classes.relativize(file.getParent())
                        .toString()
                        .replace('\\', '/')
                        .substring(11);
                Set<String> others = known.computeIfAbsent(room, key -> new TreeSet<>());
                for (PoolEntry entry : ClassFile.of().parse(file).constantPool()) {
                    Matcher matcher = NAME.matcher(
                            entry instanceof ClassEntry type
                                    ? type.asInternalName()
                                    : entry instanceof Utf8Entry text
                                                    && text.stringValue().contains(";")
                                            ? text.stringValue()
                                            : "");
                    while (matcher.find()) {
                        others.add(matcher.group(1));
                    }
                }
                others.remove(room);
            }
        }
        return known;
    }

    private static boolean isProductClass(Path file) {
        String name = file.getFileName().toString();
        return name.endsWith(".class")
                && !name.equals("package-info.class")
                && Arrays.stream(
                                new String[] {"Test", "Oracle", "RandomWeights", "WorstError", "QuantsFile", "Benchmark"
                                })
                        .noneMatch(name::contains);
    }
}
