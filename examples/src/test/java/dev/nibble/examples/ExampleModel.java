package dev.nibble.examples;

import static org.junit.jupiter.api.Assumptions.abort;

import dev.nibble.cli.models.Environment;
import dev.nibble.cli.models.ModelResolver;
import dev.nibble.cli.models.Reporter;
import java.io.IOException;
import java.nio.file.Path;

/** SmolLM2-135M-Instruct, with which the examples are run. */
final class ExampleModel {
    private ExampleModel() {}

    /**
     * Its file, fetched if it is not there. Where it cannot be had the tests are skipped, or fail if {@code
     * -Dnibble.require.model=true} is set.
     */
    static Path file() {
        try {
            return new ModelResolver(Environment.system(), Reporter.SILENT).resolveDefault();
        } catch (IOException e) {
            String reason = "the model of the examples cannot be had: " + e.getMessage();
            if (Boolean.getBoolean("nibble.require.model")) {
                throw new AssertionError(reason, e);
            }
            System.err.println("SKIPPED: " + reason);
            return abort(reason);
        }
    }
}
