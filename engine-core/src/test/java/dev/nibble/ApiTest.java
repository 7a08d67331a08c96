package dev.nibble;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What compiled programs link to stays: every public member of the packages for users that api.txt names. The list only grows;
 * a run with {@code -Dnibble.api.record=FILE} writes it as it is now.
 */
class ApiTest {
    private static final List<String> PACKAGES = List.of(
            "dev.nibble", "dev.nibble.chat", "dev.nibble.constraint", "dev.nibble.sampling", "dev.nibble.tokenizer");

    @Test
    void nothingThatProgramsUseGoesAway() throws Exception {
        Set<String> members = members();
        String record = System.getProperty("nibble.api.record");
        if (record != null) {
            Files.write(Path.of(record), members);
        }
        try (InputStream in = ApiTest.class.getResourceAsStream("/api.txt")) {
            assertThat(in).isNotNull();
            List<String> recorded = new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .toList();
            assertThat(recorded).hasSizeGreaterThan(500);
            assertThat(members).containsAll(recorded);
        }
    }

    /** Options and results are classes that can get more parts, not records, whose constructors are part of the API. */
    @Test
    void optionsAndResultsAreNoRecords() throws Exception {
        assertThat(classes())
                .filteredOn(Class::isRecord)
                .extracting(Class::getName)
                .containsExactlyInAnyOrder(
                        "dev.nibble.KvCacheTypes", // there are keys and values, and nothing else
                        "dev.nibble.chat.ChatMessage", // a message of a conversation, which JSON and templates name
                        "dev.nibble.chat.ChatTemplate$Segment");
    }

    private static Set<String> members() throws IOException, URISyntaxException, ClassNotFoundException {
        Set<String> members = new TreeSet<>();
        for (Class<?> type : classes()) {
            String name = type.getName();
            members.add(name);
            for (Field field : type.getFields()) {
                members.add(name + " " + field.getName() + " " + field.getType().getTypeName());
            }
            for (Constructor<?> constructor : type.getConstructors()) {
                members.add(name + " new" + parameters(constructor));
            }
            for (Method method : type.getMethods()) {
                if (method.getDeclaringClass().getName().startsWith("dev.nibble.") && !method.isBridge()) {
                    members.add(name + " " + (Modifier.isStatic(method.getModifiers()) ? "static " : "")
                            + method.getName() + parameters(method) + " "
                            + method.getReturnType().getTypeName());
                }
            }
        }
        return members;
    }

    private static String parameters(Executable executable) {
        return Arrays.stream(executable.getParameterTypes())
                .map(Class::getTypeName)
                .collect(Collectors.joining(", ", "(", ")"));
    }

    /** The public classes of the packages, nested ones included, as they lie beside LanguageModel. */
    private static List<Class<?>> classes() throws IOException, URISyntaxException, ClassNotFoundException {
        URI root = LanguageModel.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI();
        List<Class<?>> classes = new ArrayList<>();
        for (String name : PACKAGES) {
            try (Stream<Path> files = Files.list(Path.of(root).resolve(name.replace('.', '/')))) {
                for (Path file : files.sorted().toList()) {
                    String simple = file.getFileName().toString();
                    if (!simple.endsWith(".class") || simple.equals("package-info.class")) {
                        continue;
                    }
                    Class<?> type = Class.forName(
                            name + "." + simple.substring(0, simple.length() - ".class".length()),
                            false,
                            ApiTest.class.getClassLoader());
                    if (isPublic(type)) {
                        classes.add(type);
                    }
                }
            }
        }
        return classes;
    }

    private static boolean isPublic(Class<?> type) {
        Class<?> enclosing = type.getEnclosingClass();
        return Modifier.isPublic(type.getModifiers()) && (enclosing == null || isPublic(enclosing));
    }
}
