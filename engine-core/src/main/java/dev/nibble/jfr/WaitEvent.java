package dev.nibble.jfr;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Threshold;

@Name("dev.nibble.SessionWait")
@Label("Session Wait")
@Description("A session waited for a batch")
@Category("Nibble")
@StackTrace(false)
@Threshold("1 ms")
final class WaitEvent extends Event {
    @Label("Waiting Sessions")
    int waiting;
}
