package dev.nibble.jfr;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

@Name("dev.nibble.ModelLoad")
@Label("Model Load")
@Description("A model was loaded")
@Category("Nibble")
@StackTrace(false)
final class ModelLoadEvent extends Event {
    @Label("File")
    String file = "";

    @Label("Architecture")
    String architecture = "";

    @Label("Backend")
    String backend = "";

    @Label("Size of Weights")
    @DataAmount
    long bytes;
}
