package dev.nibble.jfr;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

@Name("dev.nibble.Batch")
@Label("Batch")
@Description("Rows of several sessions were evaluated together")
@Category("Nibble")
@StackTrace(false)
final class BatchEvent extends Event {
    @Label("Sessions")
    int sessions;

    @Label("Generating Sessions")
    int steps;

    @Label("Rows of Prompts")
    int promptRows;
}
