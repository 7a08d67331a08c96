package dev.nibble.tornado;

import dev.nibble.OutOfMemoryException;
import dev.nibble.tornado.kernels.Layout;
import java.util.Arrays;

/** The pages of the KV cache on the device, which all sequences of a model share. Thread-safe. */
final class KvPages {
    private final int[] free;
    private int freeCount;

    /** With {@code pages} pages, all free. */
    KvPages(int pages) {
        free = new int[pages];
        for (int i = 0; i < pages; i++) {
            free[i] = pages - 1 - i;
        }
        freeCount = pages;
    }

    /** All pages, taken ones included. */
    int count() {
        return free.length;
    }

    /**
     * Extends a sequence's pages until they hold {@code positions} positions.
     *
     * @return the pages: the same array if they were enough
     * @throws OutOfMemoryException if there are not enough free ones; nothing is taken then
     */
    synchronized int[] reserve(int[] pages, int positions) {
        int missing = Math.ceilDiv(positions, Layout.PAGE) - pages.length;
        if (missing <= 0) {
            return pages;
        }
        if (missing > freeCount) {
            throw new OutOfMemoryException("the KV cache on the device holds " + free.length * Layout.PAGE
                    + " tokens of all sessions together, " + freeCount * Layout.PAGE + " are free and "
                    + missing * Layout.PAGE + " more are needed for a sequence of " + positions
                    + "; close other sessions, or load the model with a larger context"
                    + " (LoadOptions.withContextLength, --ctx)");
        }
        int[] extended = Arrays.copyOf(pages, pages.length + missing);
        for (int i = pages.length; i < extended.length; i++) {
            extended[i] = free[--freeCount];
        }
        return extended;
    }

    /**
     * Gives back the pages that a sequence of {@code positions} positions does not need.
     *
     * @return the others: the same array if all are needed
     */
    int[] trim(int[] pages, int positions) {
        int needed = Math.ceilDiv(positions, Layout.PAGE);
        if (needed >= pages.length) {
            return pages;
        }
        release(Arrays.copyOfRange(pages, needed, pages.length));
        return Arrays.copyOf(pages, needed);
    }

    /** Gives pages back. */
    synchronized void release(int[] pages) {
        for (int page : pages) {
            free[freeCount++] = page;
        }
    }
}
