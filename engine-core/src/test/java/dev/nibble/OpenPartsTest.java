package dev.nibble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class OpenPartsTest {
    private final List<String> closed = new ArrayList<>();
    private final OpenParts parts = new OpenParts();

    private AutoCloseable part(String name, @Nullable Exception failure) {
        return () -> {
            closed.add(name);
            if (failure != null) {
                throw failure;
            }
        };
    }

    @Test
    void theLastOpenedIsClosedFirstAndEachOnce() {
        parts.add(part("a", null));
        AutoCloseable b = parts.add(part("b", null));
        AutoCloseable c = parts.add(part("c", null));
        parts.add(part("d", null));
        parts.close(b);
        parts.close(b);
        assertThat(parts.remove(c)).isTrue();
        assertThat(parts.remove(c)).isFalse();
        parts.close();
        parts.close();
        parts.close(c);
        assertThat(closed).containsExactly("b", "d", "a");
    }

    @Test
    void allAreClosedAndTheFirstFailureHoldsTheOthers() {
        IOException last = new IOException("checked");
        IllegalStateException first = new IllegalStateException("first");
        parts.add(part("a", last));
        parts.add(part("b", null));
        parts.add(part("c", first));
        assertThatThrownBy(parts::close).isSameAs(first).hasSuppressedException(last);
        assertThat(closed).containsExactly("c", "b", "a");
        parts.close();
    }

    @Test
    void aFailureBeforeHoldsThoseOfClosing() {
        IOException failure = new IOException("why all is closed");
        IllegalStateException closing = new IllegalStateException("closing");
        parts.add(part("a", closing));
        parts.add(part("b", failure)); // the same again, which cannot be suppressed in itself
        parts.closeAfter(failure);
        assertThat(failure.getSuppressed()).containsExactly(closing);
        assertThat(closed).containsExactly("b", "a");
    }
}
