package dev.nibble.chat.dialect;

import java.util.List;

/** Reads one stretch of calls in one of some forms, from the beginning of a text that grows. */
final class CallReader {
    /** What has become of it. */
    enum Outcome {
        /** More text is needed. */
        CUT,
        /** All is read. */
        READ,
        /** It is no call. */
        NOTHING,
        /** It has begun as a call and goes on as something else. */
        BROKEN
    }

    private final List<Form> forms;
    private final Tools tools;
    private final boolean onlyKnown;
    private final Calls calls;
    private Drafts drafts;
    private int form;
    private int step;
    private int at;
    private boolean given;

    CallReader(List<Form> forms, Tools tools, boolean onlyKnown, AnswerSink sink) {
        this.forms = forms;
        this.tools = tools;
        this.onlyKnown = onlyKnown;
        calls = new Calls(tools, sink);
        drafts = new Drafts(tools, onlyKnown);
    }

    /** The name of the tool is known before. */
    void name(String name) {
        given = true;
        drafts.first().name(name);
    }

    /** The name of the call that is being read, empty if it is not known. */
    String name() {
        return drafts.all().stream()
                .filter(draft -> !draft.done && draft.name != null)
                .map(draft -> String.valueOf(draft.name))
                .findFirst()
                .orElse("");
    }

    /** Whether a tool that there is has been named, or the text said before that a call follows. */
    boolean isPublic() {
        return given || drafts.all().stream().anyMatch(draft -> draft.name != null && tools.has(draft.name));
    }

    /** Characters that are read. */
    int length() {
        return at;
    }

    /** What ends a broken call, empty if nothing does. */
    String end() {
        return forms.get(form).end();
    }

    /**
     * Goes on with a text.
     *
     * @param text from the beginning of the call on
     * @param whole whether nothing follows it
     */
    Outcome read(StringBuilder text, boolean whole) {
        while (true) {
            try {
                List<Step> steps = forms.get(form).steps();
                while (step < steps.size()) {
                    Cursor in = new Cursor(text, at, whole);
                    steps.get(step).read(in, drafts);
                    at = in.at;
                    step++;
                }
                calls.tell(drafts, true);
                return Outcome.READ;
            } catch (Unread e) {
                boolean guess = onlyKnown && !isPublic();
                if (e == Unread.CUT && !(whole && guess)) {
                    calls.tell(drafts, false);
                    return Outcome.CUT;
                }
                boolean last = form + 1 == forms.size();
                if (isPublic() && (last || !calls.hasNoArguments())) {
                    calls.fail(drafts);
                    return Outcome.BROKEN;
                }
                if (last) {
                    return Outcome.NOTHING;
                }
                form++;
                drafts = new Drafts(tools, onlyKnown);
                step = 0;
                at = 0;
            }
        }
    }
}
