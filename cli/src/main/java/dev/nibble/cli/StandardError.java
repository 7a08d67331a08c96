package dev.nibble.cli;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Gives the process its standard error back. The launcher script starts the JVM with stderr behind a filter that drops
 * the warning about the incubating vector module, which nothing else can silence, and leaves the real stderr in another
 * descriptor.
 */
final class StandardError {
    private static final String DESCRIPTOR = "nibble.stderr.descriptor";

    private StandardError() {}

    /** Makes the descriptor the launcher named standard error. Without a launcher, or where that fails, does nothing. */
    @SuppressWarnings("restricted") // the launcher allows native access
    static void restore() {
        Integer descriptor = Integer.getInteger(DESCRIPTOR);
        if (descriptor == null) {
            return;
        }
        try {
            Linker linker = Linker.nativeLinker();
            MethodHandle dup2 = linker.downcallHandle(
                    linker.defaultLookup().findOrThrow("dup2"),
                    FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
            int result = (int) dup2.invokeExact((int) descriptor, 2);
            if (result != 2) {
                System.err.println("nibble: standard error stays filtered (dup2 returned " + result + ")");
            }
        } catch (Throwable e) {
            // The filter passes everything else on, so nothing is lost.
            System.err.println("nibble: standard error stays filtered (" + e + ")");
        }
    }
}
