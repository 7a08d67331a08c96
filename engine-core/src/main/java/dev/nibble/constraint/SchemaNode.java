package dev.nibble.constraint;

import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * What a value has to satisfy at one place: all of some schemas, by where they are written, or by what they must not be. Not
 * worked out before it is needed, so that schemas may refer to themselves; equal ones are worked out once.
 */
record SchemaNode(Set<Part> parts) {
    /** A schema as it is written; one object for each place. */
    record Source(String pointer, Object value) {
        @Override
        public boolean equals(Object other) {
            return other instanceof Source source && pointer.equals(source.pointer);
        }

        @Override
        public int hashCode() {
            return pointer.hashCode();
        }
    }

    /** A schema that has to hold, or must not. */
    record Part(Source source, boolean negated) {}

    /** Nothing has to be satisfied. */
    static final SchemaNode ANY = new SchemaNode(Set.of());

    static SchemaNode of(Source source) {
        return new SchemaNode(Set.of(new Part(source, false)));
    }

    static SchemaNode not(Source source) {
        return new SchemaNode(Set.of(new Part(source, true)));
    }

    /** Both. */
    SchemaNode and(SchemaNode other) {
        if (parts.isEmpty() || parts.equals(other.parts)) {
            return other;
        }
        if (other.parts.isEmpty()) {
            return this;
        }
        Set<Part> all = new LinkedHashSet<>(parts);
        all.addAll(other.parts);
        return new SchemaNode(Collections.unmodifiableSet(all));
    }
}
