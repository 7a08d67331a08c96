package dev.nibble.chat.dialect;

import dev.nibble.chat.ToolChoice;
import dev.nibble.constraint.Constraint;
import dev.nibble.constraint.ConstraintException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Answers of several messages, each with a header that says what it is: reasoning, a word before calls, a call, the answer. */
final class HarmonyGrammar {
    private static final List<String> MARKS =
            List.of("<|start|>", "<|channel|>", "<|message|>", "<|constrain|>", "<|end|>", "<|call|>", "<|return|>");

    private static final Constraint NEXT = Constraint.sequence(
            Marks.of("<|start|>"), Constraint.text("assistant").optional());

    HarmonyGrammar(Dialect dialect) {
        if (!dialect.name().equals("harmony")) {
            throw new ConstraintException("answers of the dialect " + dialect.name() + " cannot be constrained");
        }
    }

    /** The answer satisfies a constraint. */
    Constraint content(Constraint content) {
        return Constraint.sequence(before().repeated(), last(content));
    }

    /** The answer is a call or text. */
    Constraint calls(List<ToolSchema> tools, ToolChoice choice, @Nullable Constraint content) {
        List<Constraint> ends = new ArrayList<>();
        if (choice.isAllowed()) {
            tools.forEach(tool -> ends.add(call(tool)));
        }
        if (!choice.isRequired()) {
            ends.add(last(content == null ? Constraint.without(MARKS) : content));
        }
        return Constraint.sequence(before().repeated(), Constraint.anyOf(ends));
    }

    private static Constraint last(Constraint content) {
        return Constraint.sequence(Marks.of("<|channel|>final"), Marks.of("<|message|>"), content);
    }

    /** A message after which another one follows. */
    private static Constraint before() {
        return Constraint.sequence(
                Marks.of("<|channel|>"),
                Constraint.regex("analysis|commentary"),
                Marks.of("<|message|>"),
                Constraint.upTo("<|end|>", MARKS),
                NEXT);
    }

    private static Constraint call(ToolSchema tool) {
        Constraint to = Constraint.text(" to=functions." + tool.name);
        Constraint json = Constraint.anyOf(List.of(
                        Constraint.text(" json"),
                        Constraint.sequence(
                                Constraint.text(" "),
                                Marks.of("<|constrain|>"),
                                Constraint.text(" ").optional(),
                                Constraint.text("json"))))
                .optional();
        Constraint channel = Marks.of("<|channel|>commentary");
        return Constraint.sequence(
                Constraint.anyOf(
                        List.of(Constraint.sequence(to, channel, json), Constraint.sequence(channel, to, json))),
                Marks.of("<|message|>"),
                tool.arguments());
    }
}
