package dev.nibble.cli;

import java.io.PrintStream;
import java.util.Locale;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** What the engine logs, on standard error in the style of the other messages: warnings, with {@code --debug} all. */
final class Logging {
    private Logging() {}

    /** Sends the log of the whole process to {@code err}. */
    static void configure(boolean debug, PrintStream err) {
        LogManager.getLogManager().reset();
        Logger root = Logger.getLogger("");
        root.setLevel(debug ? Level.INFO : Level.WARNING);
        Logger.getLogger("dev.nibble").setLevel(debug ? Level.ALL : Level.WARNING);
        Handler handler = new Handler() {
            @Override
            public void publish(LogRecord record) {
                if (isLoggable(record)) {
                    String level = record.getLevel().getName().toLowerCase(Locale.ROOT);
                    String text = new java.util.logging.SimpleFormatter().formatMessage(record);
                    err.println(level + ": " + (debug ? text : ErrorMessages.inWords(text)));
                    if (debug && record.getThrown() != null) {
                        record.getThrown().printStackTrace(err);
                    }
                }
            }

            @Override
            public void flush() {
                err.flush();
            }

            @Override
            public void close() {}
        };
        handler.setLevel(Level.ALL);
        root.addHandler(handler);
    }
}
