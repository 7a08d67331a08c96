package dev.nibble.chat.dialect;

/** Tells a sink of the calls of one stretch of an answer, as far as they have been read. */
final class Calls {
    private final Tools tools;
    private final AnswerSink sink;
    private int finished;
    private int begun;
    private int given;

    Calls(Tools tools, AnswerSink sink) {
        this.tools = tools;
        this.sink = sink;
    }

    /** Whether a sink knows of any of them. */
    boolean isPublic() {
        return begun > 0;
    }

    /** Whether a sink knows no more than the name of the first. */
    boolean hasNoArguments() {
        return finished == 0 && given == 0;
    }

    /**
     * Tells what is new.
     *
     * @param over whether all of them have been read
     */
    void tell(Drafts drafts, boolean over) {
        while (finished < drafts.all().size()) {
            Draft draft = drafts.all().get(finished);
            String name = draft.name;
            if (name == null) {
                return;
            }
            if (tools.has(name)) {
                begin(draft, name);
            }
            if (!over && !draft.done) {
                return;
            }
            end(draft, name);
        }
    }

    private void begin(Draft draft, String name) {
        if (begun == finished) {
            begun++;
            given = 0;
            sink.callBegins(name);
        }
        if (draft.arguments.length() > given) {
            sink.arguments(draft.arguments.substring(given));
            given = draft.arguments.length();
        }
    }

    private void end(Draft draft, String name) {
        finished++;
        begun = finished;
        String problem = tools.problem(name, draft.arguments);
        if (problem == null) {
            sink.callEnds(name, draft.arguments, draft.id);
        } else {
            sink.callFails(name, draft.arguments, problem);
        }
    }

    /** The text of the call that is being read is broken. */
    void fail(Drafts drafts) {
        tell(drafts, false);
        if (finished < drafts.all().size()) {
            Draft draft = drafts.all().get(finished);
            if (draft.name != null) {
                finished++;
                begun = finished;
                sink.callFails(draft.name, draft.arguments, "the text of the call is broken");
            }
        }
    }
}
