package dev.nibble.memory;

import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Who takes memory of an engine's budget, or of a budget within it, and which of them wait for others to give theirs back. It tells a
 * wait that can end from one that cannot, as all wait for each other. Thread-safe.
 */
public final class BudgetLine {
    /** A session, oldest first. Guarded by the line. */
    private final Set<Member> members = new LinkedHashSet<>();

    private long joined; // guarded by this

    /** One that takes memory. */
    public static final class Member {
        private final long number;
        private final MemoryBudget budget;
        private boolean waits; // guarded by the line

        private Member(long number, MemoryBudget budget) {
            this.number = number;
            this.budget = budget;
        }
    }

    /**
     * Has one more that may wait.
     *
     * @param budget the narrower one, that of its model
     */
    public synchronized Member join(MemoryBudget budget) {
        Member member = new Member(joined++, budget);
        members.add(member);
        return member;
    }

    /** It takes nothing any more, and has given back all. */
    public synchronized void leave(Member member) {
        members.remove(member);
    }

    /**
     * Tries to take memory for one that waits; while it does, nobody is told that it waits in vain.
     *
     * @param taking whether it took what it needs, and waits no longer
     */
    public synchronized boolean take(Member member, Taking taking) {
        member.waits = !taking.tryTake();
        return !member.waits;
    }

    /** Takes memory if there is some. */
    @FunctionalInterface
    public interface Taking {
        /** False if there is not enough. */
        boolean tryTake();
    }

    /** It waits no longer. */
    public synchronized void giveUp(Member member) {
        member.waits = false;
    }

    /**
     * Whether one waits in vain: all that share a budget wait for each other, and this is the one that joined last, so that the others go
     * on when it gives up and gives back what it has.
     *
     * @param budget that had not enough; another than that of the member is shared by all
     */
    public synchronized boolean isStuck(Member member, MemoryBudget budget) {
        for (Member other : members) {
            boolean shares = member.budget != budget || other.budget == budget;
            if (shares && (!other.waits || other.number > member.number)) {
                return false;
            }
        }
        return true;
    }
}
