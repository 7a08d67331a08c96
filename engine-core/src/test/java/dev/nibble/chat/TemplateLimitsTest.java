package dev.nibble.chat;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.ChatTemplateException;
import dev.nibble.NibbleException;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Templates that try to take all memory, time or stack. Each runs in a thread with half the usual stack. */
class TemplateLimitsTest {
    private static final int STACK = 512 << 10;
    private static final int MANY = 20_000;

    private static @Nullable Throwable failure(String template) {
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        Thread thread = new Thread(
                null,
                () -> {
                    try {
                        String text = ChatTemplate.parse(template).render(Map.of("s", "hello"));
                        assertThat(text).isNotNull();
                    } catch (Throwable e) {
                        failure.set(e);
                    }
                },
                "template",
                STACK);
        thread.start();
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        return failure.get();
    }

    static Stream<String> deepExpressions() {
        return Stream.of(
                "{{ " + "(".repeat(MANY) + "1" + ")".repeat(MANY) + " }}",
                "{{ " + "[".repeat(MANY) + "]".repeat(MANY) + " }}",
                "{{ " + "{1: ".repeat(MANY) + "1" + "}".repeat(MANY) + " }}",
                "{{ " + "f(".repeat(MANY) + ")".repeat(MANY) + " }}",
                "{{ " + "-".repeat(MANY) + "1 }}",
                "{{ 1" + " + 1".repeat(MANY) + " }}",
                "{{ 0" + " or 0".repeat(MANY) + " }}",
                "{{ s" + "[0]".repeat(MANY) + " }}",
                "{{ s" + " | upper".repeat(MANY) + " }}",
                "{{ 1" + " if 0 else 1".repeat(MANY) + " }}",
                "{% set " + "(".repeat(MANY) + "a" + ")".repeat(MANY) + " = 1 %}");
    }

    @ParameterizedTest
    @MethodSource("deepExpressions")
    void deepExpressionsAreRefused(String template) {
        assertThat(failure(template))
                .isInstanceOf(ChatTemplateException.class)
                .hasMessageMatching("chat template, line 1: .* nested more than [24]00 levels deep");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{% if 1 %}", "{% for x in [1] %}", "{% macro f() %}", "{% set x %}", "{% filter upper %}"})
    void deepBlocksAreRefused(String block) {
        assertThat(failure(block.repeat(MANY)))
                .isInstanceOf(ChatTemplateException.class)
                .hasMessageContaining("nested more than 200 levels deep");
    }

    @Test
    void ordinaryNestingIsFine() {
        assertThat(failure("{% if 1 %}".repeat(150) + "{{ " + "(".repeat(20) + "1" + ")".repeat(20) + " }}"
                        + "{% endif %}".repeat(150)))
                .isNull();
        assertThat(failure("{{ 1" + " ~ 1".repeat(MANY) + " }}")).isNull();
        assertThat(failure("{% if 0 %}" + "{% elif 0 %}".repeat(MANY) + "{% endif %}"))
                .isNull();
        assertThat(failure("{% macro f(n) %}{% if n %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(50) }}"))
                .isNull();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
                "{% macro f() %}{% call f() %}{{ caller() }}{% endcall %}{% endmacro %}{{ f() }}",
                "{% macro f() %}{% if 1 %}{% set y %}{{ [f()] | map('upper') | join }}{% endset %}{{ y }}{% endif %}{% endmacro %}{{ f() }}",
                "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
                "{% set ns = namespace(x=[]) %}{% for i in range(5000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}",
                "{% set ns = namespace(x=1) %}{% for i in range(5000) %}{% set ns.x = {'a': ns.x} %}{% endfor %}{{ ns.x | tojson }}",
                "{% set ns = namespace(x=[], y=[]) %}{% for i in range(5000) %}{% set ns.x = [ns.x] %}{% set ns.y = [ns.y] %}{% endfor %}{{ ns.x == ns.y }}",
                "{% set ns = namespace(x=()) %}{% for i in range(5000) %}{% set ns.x = (ns.x,) %}{% endfor %}{{ {ns.x: 1} }}",
                "{% set ns = namespace(g=['a']) %}{% for i in range(5000) %}{% set ns.g = ns.g | map('string') %}{% endfor %}{{ ns.g | list }}",
                "{% set ns = namespace(g=['a']) %}{% for i in range(5000) %}{% set ns.g = ns.g | select %}{% endfor %}{{ ns.g | list }}",
                "{% set l = [1] %}{% set _ = l.append(l) %}{{ l }}",
                "{% set l = [1] %}{% set k = [1] %}{% set _ = l.append(k) %}{% set _ = k.append(l) %}{{ l == k }}",
            })
    void deepRecursionIsRefused(String template) {
        assertThat(failure(template)).isInstanceOf(ChatTemplateException.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
                "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
                "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x == ns.y }}",
                "{% set ns = namespace(x='a') %}{% for i in range(100) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
                "{% set l = [1] %}{% for i in l %}{% set _ = l.append([i]) %}{% endfor %}",
                "{% set l = [1] %}{% for i in range(100) %}{% set _ = l.extend(l) %}{% endfor %}",
                "{% set l = [] %}{% for i in range(1000) %}{% set _ = l.append(range(100000) | batch(1) | list) %}{% endfor %}",
                "{% set x = 'a' * 1000000 %}{% for i in range(100000) %}{{ '' if 'b' in x }}{% endfor %}",
                "{% set x = 'a' * 1000000 %}{% set y = 'a' * 500000 ~ 'b' %}{{ y in x }}",
                "{% set x = 'a' * 10000 %}{{ x | replace('a', x) }}",
                "{{ 'a' * 1000000000 }}",
                "{{ 'a' * 10 ** 30 }}",
                "{{ [1] * 10 ** 9 }}",
                "{{ '%1000000000d' % 1 }}",
                "{{ '%.1000000000f' % 1.5 }}",
                "{{ '%.1000000000d' % 1 }}",
                "{{ '{:1000000000}'.format(1) }}",
                "{{ '{:.1000000000f}'.format(1.5) }}",
                "{{ s | center(10 ** 9) }}",
                "{{ s.zfill(10 ** 9) }}",
                "{{ s | indent(10 ** 9, true) }}",
                "{{ '\t'.expandtabs(10 ** 9) }}",
                "{{ [1] | tojson(indent=10 ** 9) }}",
                "{{ [1] | batch(10 ** 9, 1) | list }}",
                "{{ [1] | slice(10 ** 9) | list }}",
                "{{ 2 ** (2 ** 30) }}",
                "{% set ns = namespace(x=3) %}{% for i in range(100) %}{% set ns.x = ns.x * ns.x %}{% endfor %}",
                "{% set x = 2 ** 9999 %}{% for i in range(100000) %}{% set y = x ~ '' %}{% endfor %}",
                "{{ range(10 ** 12) }}",
            })
    void hugeWorkAndTextAreRefused(String template) {
        assertThat(failure(template)).isInstanceOf(NibbleException.class);
    }

    @Test
    void theBoundsGrowWithTheInput() {
        String message = "word ".repeat(2_000_000);
        String template =
                "{% set ns = namespace(s='') %}{% for m in messages %}{% set ns.s = ns.s ~ m.content | trim %}"
                        + "{% endfor %}{{ ns.s }}";
        String rendered = ChatTemplate.parse(template)
                .render(java.util.List.of(ChatMessage.user(message), ChatMessage.user(message)), false, Map.of());
        assertThat(rendered).hasSize(2 * (message.length() - 1));
    }
}
