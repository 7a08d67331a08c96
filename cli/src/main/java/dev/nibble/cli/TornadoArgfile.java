package dev.nibble.cli;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Writes the options of a JVM with TornadoVM into an argument file, for the launchers, which run it before the program:
 * {@code TornadoArgfile FILE ARGUMENT...} with the file to write and what the user typed; the SDK is where the variable
 * {@code TORNADOVM_HOME} says. Exits with {@value #WRITTEN}, {@value #FAILED} behind a message, or {@value #NOT_WANTED} where the JVM is started
 * without TornadoVM: the user asks for the CPU, or lets the program choose and the folder is no SDK.
 */
final class TornadoArgfile {
    static final int WRITTEN = 0;
    static final int FAILED = 1;
    static final int NOT_WANTED = 3;

    private static final String PLACEHOLDER = "${TORNADOVM_HOME}";
    private static final Pattern COLLECTOR = Pattern.compile("-XX:\\+Use\\w*GC");

    /** The module path begins with the working directory, which may be full of jars. */
    private static final Pattern WORKING_DIRECTORY = Pattern.compile("^--module-path[ =][.][:;]");

    private TornadoArgfile() {}

    public static void main(String[] args) {
        Path home = Path.of(System.getenv("TORNADOVM_HOME"));
        try {
            System.exit(run(home, Path.of(args[0]), List.of(args).subList(1, args.length)));
        } catch (IOException e) {
            System.err.println("nibble: the options of TornadoVM (" + home + ") cannot be written: " + e);
            System.exit(FAILED);
        }
    }

    /** As the program; the result is its exit code. */
    static int run(Path home, Path file, List<String> arguments) throws IOException {
        String backend = backend(arguments);
        if (backend.equals("cpu")) {
            return NOT_WANTED;
        }
        Optional<Path> source = source(home);
        if (source.isPresent()) {
            Path unfinished = Files.createTempFile(file.toAbsolutePath().getParent(), "tornado", null);
            Files.write(unfinished, options(Files.readAllLines(source.get()), home, memory()));
            Files.move(unfinished, file, StandardCopyOption.REPLACE_EXISTING);
            return WRITTEN;
        }
        if (backend.equals("tornado")) {
            System.err.println("nibble: TORNADOVM_HOME is " + home + ", which is no TornadoVM SDK: it has neither"
                    + " tornado-argfile nor tornado-argfile.template");
            return FAILED;
        }
        return NOT_WANTED;
    }

    /** The backend named on the command line. "devices" asks for all of them, and so does "auto". */
    private static String backend(List<String> arguments) {
        String backend = "auto";
        for (int i = 0; i < arguments.size(); i++) {
            if (arguments.get(i).startsWith("--backend=")) {
                backend = arguments.get(i).substring("--backend=".length());
            } else if (arguments.get(i).equals("--backend") && i + 1 < arguments.size()) {
                backend = arguments.get(i + 1);
            }
        }
        return backend;
    }

    /** The SDK's own argument file, or the template that it is made from. */
    private static Optional<Path> source(Path home) {
        for (String name : List.of("tornado-argfile", "tornado-argfile.template")) {
            if (Files.isRegularFile(home.resolve(name))) {
                return Optional.of(home.resolve(name));
            }
        }
        return Optional.empty();
    }

    /** Bytes of the machine, or of its container. */
    private static long memory() {
        return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
    }

    /**
     * The SDK's options for an SDK at {@code home}, but for the garbage collector, which is ours to choose. TornadoVM keeps
     * a copy of the weights outside the heap, which may take all {@code memory} and not only as much as the heap.
     */
    static List<String> options(List<String> lines, Path home, long memory) {
        List<String> options = new ArrayList<>();
        for (String line : lines) {
            if (!COLLECTOR.matcher(line.strip()).matches()) {
                String ownModules = WORKING_DIRECTORY.matcher(line).replaceFirst("--module-path ");
                options.add(ownModules.replace(PLACEHOLDER, quoted(home.toString())));
            }
        }
        options.add("-XX:MaxDirectMemorySize=" + memory);
        return options;
    }

    /** A path as a part of an argument: in quotes, for its spaces, where a backslash is an escape. */
    private static String quoted(String path) {
        return '"' + path.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }
}
