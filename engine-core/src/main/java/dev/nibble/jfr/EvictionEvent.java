package dev.nibble.jfr;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

@Name("dev.nibble.PrefixEviction")
@Label("Prefix Eviction")
@Description("Memory kept for later sessions was freed")
@Category("Nibble")
@StackTrace(false)
final class EvictionEvent extends Event {
    @Label("Wanted")
    @DataAmount
    long wantedBytes;

    @Label("Freed")
    @DataAmount
    long freedBytes;
}
