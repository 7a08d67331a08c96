package dev.nibble.jfr;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Threshold;

@Name("dev.nibble.PromptEvaluation")
@Label("Prompt Evaluation")
@Description("A prompt was evaluated, or given up")
@Category("Nibble")
@StackTrace(false)
@Threshold("10 ms")
final class PromptEvent extends Event {
    @Label("Prompt Tokens")
    int promptTokens;

    @Label("Cached Tokens")
    @Description("Tokens that were there already")
    int cachedTokens;
}
