package dev.nibble.cli;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/** How wide the terminal is that standard error goes to; asked anew each time, since people resize it. */
final class TerminalWidth {
    /** What is taken where the width is not known. */
    static final int USUAL = 80;

    private static final int STANDARD_ERROR = 2;
    private static final @Nullable MethodHandle IOCTL = ioctl();

    private TerminalWidth() {}

    /** Columns, 1 or more. */
    static int columns() {
        MethodHandle ioctl = IOCTL;
        if (ioctl == null) {
            return USUAL;
        }
        boolean mac = System.getProperty("os.name").startsWith("Mac");
        long getWindowSize = mac ? 0x40087468L : 0x5413L; // TIOCGWINSZ
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment size = arena.allocate(8, 2); // struct winsize: rows, columns and two that count pixels
            int result = (int) ioctl.invokeExact(STANDARD_ERROR, getWindowSize, size);
            int columns = Short.toUnsignedInt(size.get(ValueLayout.JAVA_SHORT, 2));
            return result == 0 && columns > 0 ? columns : USUAL;
        } catch (Throwable e) {
            return USUAL;
        }
    }

    @SuppressWarnings("restricted") // the launcher allows native access
    private static @Nullable MethodHandle ioctl() {
        String system = System.getProperty("os.name");
        if (!system.startsWith("Linux") && !system.startsWith("Mac")) {
            return null;
        }
        try {
            Linker linker = Linker.nativeLinker();
            return linker.downcallHandle(
                    linker.defaultLookup().findOrThrow("ioctl"),
                    FunctionDescriptor.of(
                            ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS),
                    Linker.Option.firstVariadicArg(2));
        } catch (RuntimeException | LinkageError e) {
            return null;
        }
    }
}
