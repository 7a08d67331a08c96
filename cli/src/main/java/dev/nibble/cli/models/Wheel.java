package dev.nibble.cli.models;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** A Python wheel: a zip with a RECORD of the SHA-256 of every file and METADATA that names its dependencies. */
final class Wheel implements AutoCloseable {
    private static final int MAX_TEXT = 4 << 20;
    private static final Pattern DEPENDENCY =
            Pattern.compile("Requires-Dist: *([A-Za-z0-9][\\w.-]*) *\\(?(==[\\w.!+-]+)?\\)? *");

    private final Path file;
    private final ZipFile zip;
    private final Map<String, String> record = new HashMap<>();

    Wheel(Path file) throws IOException {
        this.file = file;
        this.zip = new ZipFile(file.toFile());
        for (String line : text(".dist-info/RECORD")) {
            // name,sha256=hash,size; a name with a comma is in quotes.
            int size = line.lastIndexOf(',');
            int hash = size < 0 ? -1 : line.lastIndexOf(',', size - 1);
            if (hash > 0 && line.startsWith("sha256=", hash + 1)) {
                String name = line.substring(0, hash).replaceAll("^\"|\"$", "");
                record.put(name, line.substring(hash + 1 + "sha256=".length(), size));
            }
        }
    }

    /** The names of its files, in order of name. */
    List<String> names() {
        try (Stream<? extends ZipEntry> entries = zip.stream()) {
            return entries.map(ZipEntry::getName).sorted().toList();
        }
    }

    /** The size of a file, unpacked. */
    long size(String name) {
        return entry(name).getSize();
    }

    /** The packages it depends on whose names begin with {@code prefix}, as pip wants them. */
    List<String> dependencies(String prefix) throws IOException {
        List<String> requirements = new ArrayList<>();
        for (String line : text(".dist-info/METADATA")) {
            if (line.isEmpty()) {
                break;
            }
            Matcher matcher = DEPENDENCY.matcher(line);
            if (matcher.matches() && normalize(matcher.group(1)).startsWith(normalize(prefix))) {
                String version = matcher.group(2);
                requirements.add(matcher.group(1) + (version == null ? "" : version));
            }
        }
        return requirements;
    }

    /** A package name as indexes compare it. */
    static String normalize(String name) {
        return name.toLowerCase(java.util.Locale.ROOT).replaceAll("[-_.]+", "-");
    }

    /** The lines of the first file whose name ends so; none if there is no such file. */
    List<String> text(String suffix) throws IOException {
        for (String name : names()) {
            if (name.endsWith(suffix)) {
                try (InputStream in = zip.getInputStream(entry(name));
                        BufferedReader reader = new BufferedReader(new InputStreamReader(
                                new java.io.ByteArrayInputStream(in.readNBytes(MAX_TEXT)), StandardCharsets.UTF_8))) {
                    return reader.lines().toList();
                }
            }
        }
        return List.of();
    }

    /**
     * Unpacks a file and compares its hash with the record.
     *
     * @param seen hears how many bytes of it are written
     */
    void extract(String name, OutputStream out, Reporter.Progress seen) throws IOException {
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java has SHA-256", e);
        }
        try (InputStream in = zip.getInputStream(entry(name))) {
            byte[] buffer = new byte[1 << 18];
            long written = 0;
            int count = in.read(buffer);
            while (count >= 0) {
                out.write(buffer, 0, count);
                digest.update(buffer, 0, count);
                written += count;
                seen.at(written);
                count = in.read(buffer);
            }
        }
        String expected = record.get(name);
        String found = Base64.getUrlEncoder().withoutPadding().encodeToString(digest.digest());
        if (expected != null && !expected.equals(found)) {
            throw new ModelNotFoundException(file.getFileName() + ": " + name + " is damaged (its SHA-256 is " + found
                    + ", the wheel's record says " + expected + ")");
        }
    }

    private ZipEntry entry(String name) {
        ZipEntry entry = zip.getEntry(name);
        if (entry == null) {
            throw new IllegalArgumentException("no file " + name + " in " + file);
        }
        return entry;
    }

    @Override
    public void close() throws IOException {
        zip.close();
    }
}
