package dev.nibble.constraint;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which rules lead to which: found without recursion, as a grammar may have many (Tarjan 1972).
 */
final class RuleGraph {
    private final Map<Rule, Set<Rule>> edges;
    private final Map<Rule, Integer> numbers = new HashMap<>();
    /** The lowest number that a rule on the stack leads to. */
    private final Map<Rule, Integer> lowest = new HashMap<>();

    private final List<Rule> stack = new ArrayList<>();
    private final Set<Rule> onStack = new LinkedHashSet<>();
    private final List<Rule> calledFirst = new ArrayList<>();
    private final Set<Rule> recursive = new LinkedHashSet<>();

    private record Visit(Rule rule, Iterator<Rule> left) {}

    RuleGraph(Map<Rule, Set<Rule>> edges) {
        this.edges = edges;
        for (Rule rule : edges.keySet()) {
            if (!numbers.containsKey(rule)) {
                visit(rule);
            }
        }
    }

    /** All rules, each after those that it leads to, but for those that lead back to it. */
    List<Rule> calledFirst() {
        return calledFirst;
    }

    /** The rules that lead to themselves. */
    Set<Rule> recursive() {
        return recursive;
    }

    private void visit(Rule root) {
        List<Visit> path = new ArrayList<>();
        path.add(entered(root));
        while (!path.isEmpty()) {
            Visit visit = path.getLast();
            if (visit.left.hasNext()) {
                Rule next = visit.left.next();
                if (!numbers.containsKey(next)) {
                    path.add(entered(next));
                } else if (onStack.contains(next)) {
                    lowest.merge(visit.rule, numbers.getOrDefault(next, 0), Math::min);
                }
                continue;
            }
            path.removeLast();
            int low = lowest.getOrDefault(visit.rule, 0);
            if (low == numbers.getOrDefault(visit.rule, 0)) {
                leave(visit.rule);
            }
            if (!path.isEmpty()) {
                lowest.merge(path.getLast().rule, low, Math::min);
            }
        }
    }

    private Visit entered(Rule rule) {
        numbers.put(rule, numbers.size());
        lowest.put(rule, numbers.size() - 1);
        stack.add(rule);
        onStack.add(rule);
        return new Visit(rule, edges.getOrDefault(rule, Set.of()).iterator());
    }

    /** Takes the rules that lead to one another from the stack, {@code first} the first of them. */
    private void leave(Rule first) {
        boolean several = stack.getLast() != first;
        Rule rule;
        do {
            rule = stack.removeLast();
            onStack.remove(rule);
            calledFirst.add(rule);
            if (several || edges.getOrDefault(rule, Set.of()).contains(rule)) {
                recursive.add(rule);
            }
        } while (rule != first);
    }
}
