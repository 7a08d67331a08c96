package dev.nibble.jfr;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

@Name("dev.nibble.PrefixHit")
@Label("Prefix Hit")
@Description("A session took over what others had evaluated")
@Category("Nibble")
@StackTrace(false)
final class PrefixEvent extends Event {
    @Label("Tokens")
    int tokens;
}
