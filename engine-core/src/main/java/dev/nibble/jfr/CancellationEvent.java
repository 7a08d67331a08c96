package dev.nibble.jfr;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

@Name("dev.nibble.Cancellation")
@Label("Cancellation")
@Description("A generation was cancelled")
@Category("Nibble")
@StackTrace(false)
final class CancellationEvent extends Event {
    @Label("Generated Tokens")
    int generatedTokens;
}
