package dev.nibble.cli;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** Under which heading the help shows an option, or all options of a class that say nothing themselves. */
@Target({ElementType.FIELD, ElementType.TYPE})
@Retention(RetentionPolicy.RUNTIME)
@interface HelpSection {
    /** The headings in the order in which they are shown. */
    enum Heading {
        MODEL("Model"),
        PROMPT("Prompt"),
        OPTIONS("Options"),
        SAMPLING("Sampling"),
        MEMORY("Context and memory"),
        OUTPUT("Output"),
        PERFORMANCE("Performance"),
        OTHER("Other");

        private final String title;

        Heading(String title) {
            this.title = title;
        }

        String title() {
            return title;
        }
    }

    /** The heading. */
    Heading value();
}
