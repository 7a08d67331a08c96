package dev.nibble.chat.dialect;

import java.util.ArrayList;
import java.util.List;

/** The calls of one stretch of an answer while it is read. */
final class Drafts {
    private final Tools tools;
    private final boolean onlyKnown;
    private final List<Draft> all = new ArrayList<>();

    /**
     * None so far.
     *
     * @param onlyKnown whether something that names no known tool is no call
     */
    Drafts(Tools tools, boolean onlyKnown) {
        this.tools = tools;
        this.onlyKnown = onlyKnown;
    }

    List<Draft> all() {
        return all;
    }

    /** The only call of the stretch. */
    Draft first() {
        return at(0);
    }

    /** The call of this number, the next one at the most. */
    Draft at(int index) {
        if (index == all.size()) {
            all.add(new Draft(tools, onlyKnown));
        }
        return all.get(index);
    }
}
