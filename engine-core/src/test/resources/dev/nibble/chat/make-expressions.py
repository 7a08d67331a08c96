"""Writes expressions.jsonl: small templates and what Python's jinja2 makes of them, set up as Hugging Face does for chat
templates. Run it with Python 3.11 and jinja2 3.1: python make-expressions.py > expressions.jsonl"""

import json
from datetime import datetime

import jinja2
import jinja2.ext
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.CallBlock(self.call_method("_render"), [], [], body).set_lineno(line)

    def _render(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
env.filters["tojson"] = tojson
env.globals["raise_exception"] = raise_exception
env.globals["strftime_now"] = lambda format: datetime(2025, 1, 2, 3, 4, 5, 678901).strftime(format)

CONTEXT = {
    "s": "Hello, World", "e": "", "u": "naïve 😀 ß", "ws": " \t a  b \n ", "n": None, "t": True, "f": False, "i": 42, "z": 0,
    "neg": -7, "fl": 2.5, "big": 123456789012345678901234567890, "l": [3, 1, 2], "el": [], "ls": ["b", "A", "c", "a"],
    "d": {"b": 1, "a": {"x": [1, 2, {"y": "deep"}]}, "C": None, "items": "shadowed"}, "ed": {},
    "m": [{"role": "system", "content": "sys"}, {"role": "user", "content": "hi"}, {"role": "assistant", "content": None},
          {"role": "user", "content": "q\"'<&>\\\n\t\u0001é😀", "extra": 1}],
    "mixed": [1, "1", 1.0, True, None, [1], {"k": "v"}],
}

EXPRESSIONS = r"""
1 + 2 ¦ 1 - 5 ¦ 2 * 3.5 ¦ 7 / 2 ¦ 6 / 2 ¦ 7 // 2 ¦ -7 // 2 ¦ 7 // -2 ¦ 7 % 3 ¦ -7 % 3 ¦ 7 % -3 ¦ -7.5 % 2 ¦ 7.5 // 2 ¦ -7.5 // 2 ¦ 2 ** 10 ¦ 2 ** -1 ¦ -2 ** 2 ¦ 2 ** 3 ** 2
1e16 ¦ 1e15 ¦ 1e-5 ¦ 0.0001 ¦ 123456.789 ¦ 1.0 ¦ 100.0 ¦ 1e100 ¦ -0.0 ¦ 0.1 + 0.2 ¦ 1 / 3 ¦ 1e22 ¦ 5e-324 ¦ 1.5e300 * 1e10 ¦ big ¦ big + 1 ¦ big * big ¦ big // 7 ¦ big % 7 ¦ big / 3 ¦ 2 ** 100
1 + true ¦ true + true ¦ true == 1 ¦ 1 == 1.0 ¦ '1' == 1 ¦ none == none ¦ none == false ¦ [1, 2] == [1, 2] ¦ [1] == (1,) ¦ {'a': 1} == {'a': 1.0} ¦ (1, 2) < (1, 3) ¦ [1, 2] < [1]
1 < 2 < 3 ¦ 1 < 3 < 2 ¦ 3 > 2 >= 2 ¦ 1 == 1 != 2 ¦ 1 in [1, 2] == true ¦ 'a' < 'b' ¦ 'a' < 'B' ¦ 'Z' < 'a' < 'é' ¦ not 1 == 2 ¦ not not e ¦ not (true and false)
1 / 0 ¦ 1 // 0 ¦ 1 % 0 ¦ 1.0 / 0 ¦ 1.5 // 0 ¦ 1.5 % 0 ¦ 0 ** -1 ¦ 'a' + 1 ¦ 1 + 'a' ¦ none + 1 ¦ 'a' * 3 ¦ 3 * 'ab' ¦ 'a' * -1 ¦ [1] * 3 ¦ [1] + [2] ¦ [1] + (2,) ¦ (1,) + (2,) ¦ 'a' - 'b' ¦ -'a' ¦ +true ¦ -true ¦ - - 3
s ~ 1 ~ none ~ true ~ 2.0 ¦ 'a' ~ [1, 'x'] ~ {'k': 1.5} ¦ 1 ~ 2 + 3 ¦ 'a' 'b' "c" ¦ '%s-%d' % ('x', 3) ¦ '%5.2f|%-5s|%05d|%x|%+d' % (3.14159, 'ab', 42, 255, 7) ¦ '%s' % s ¦ '%s %s' % (1,) ¦ '%(a)s' % {'a': 1} ¦ '%d' % 3.9 ¦ '%e' % 12345.678 ¦ '%g' % 1e-7 ¦ '%g' % 123456789.0 ¦ '100%%' % () ¦ '%c' % 65 ¦ '%r' % 'x' ¦ '%.2s' % 'abc' ¦ '%i' % true
true and 'x' ¦ e or 'y' ¦ e and 'x' ¦ 0 or none ¦ 1 if true else 2 ¦ 1 if false ¦ 'a' if e else 'b' if z else 'c' ¦ (1 if false) is undefined ¦ true or missing.x ¦ none is none
'a' in 'abc' ¦ 'a' not in 'abc' ¦ '' in '' ¦ 1 in l ¦ 'b' in d ¦ 'zz' in d ¦ 1 in 'abc' ¦ missing in l ¦ 'x' in missing ¦ none in [none] ¦ 'role' in m[0] ¦ l in [[3, 1, 2]]
s[0] ¦ s[-1] ¦ s[0:5] ¦ s[:-1] ¦ s[::2] ¦ s[::-1] ¦ s[5:2] ¦ s[100:] ¦ s[-3:] ¦ s[:100] ¦ s[10] ¦ s[100] ¦ s[1:8:3] ¦ s[8:1:-3] ¦ u[6] ¦ u[::-1] ¦ u[5:7] ¦ l[0] ¦ l[-1] ¦ l[5] ¦ l[1:] ¦ l[::-1] ¦ l[:-1] ¦ l[-2:] ¦ (1, 2, 3)[1:] ¦ l['x'] ¦ l[true] ¦ s[::0] ¦ s['a':] ¦ range(10)[2:5] ¦ range(10)[3] ¦ l[none:2]
d.b ¦ d['b'] ¦ d.a.x[2].y ¦ d['a']['x'][0] ¦ d.missing ¦ d.missing.more ¦ d.items is callable ¦ d['items'] ¦ d.get('b') ¦ d.get('zz') ¦ d.get('zz', 5) ¦ d.get('C', 5) ¦ d.keys() ¦ d.values() ¦ d.items() ¦ d.keys() | list ¦ ed.items() | length ¦ d.items() | list | length ¦ d['keys'] is callable ¦ none.x ¦ missing ¦ missing.x ¦ missing['x'] ¦ missing() ¦ missing + 1 ¦ -missing ¦ missing < 1 ¦ missing == missing ¦ missing == 1 ¦ missing is defined ¦ s.nope ¦ s.nope.more ¦ s.nope is defined ¦ l.0 ¦ d.a.x.1
missing | default('x') ¦ none | default('x') ¦ e | default('x') ¦ e | default('x', true) ¦ none | default('x', boolean=true) ¦ missing | d ¦ missing.x | default(1) ¦ missing | length ¦ missing | list ¦ missing | join ¦ missing | upper ¦ missing | string ¦ missing | tojson ¦ missing ~ 'x' ¦ missing | int ¦ missing | first ¦ missing | trim
s | upper ¦ s | lower ¦ s | capitalize ¦ s | title ¦ 'hello-world foo(bar' | title ¦ "it's 3rd" | title ¦ "it's 3rd".title() ¦ u | upper ¦ u | title ¦ u.capitalize() ¦ 'ßa'.title() ¦ s.swapcase() ¦ ws | trim ¦ ws.strip() ¦ ws.lstrip() ¦ ws.rstrip() ¦ 'xxaxx'.strip('x') ¦ 'xyaxy' | trim('xy') ¦ 'abc'.lstrip('ba') ¦ ws.split() ¦ ws.split(' ') ¦ 'a,b,,c'.split(',') ¦ 'a,b,c'.split(',', 1) ¦ 'a,b,c'.rsplit(',', 1) ¦ ' a b  c '.split(none, 1) ¦ ' a  b c '.rsplit(none, 1) ¦ 'a<sep>b'.split('<sep>')[-1] ¦ 'abc'.split('') ¦ 'a\nb\r\nc\n'.splitlines() ¦ 'a\nb\n'.splitlines(true) ¦ 'a-b-c'.partition('-') ¦ 'a-b-c'.rpartition('-') ¦ 'abc'.partition('x') ¦ 'abc'.rpartition('x')
s.replace('l', 'L') ¦ s.replace('l', 'L', 1) ¦ s | replace('l', '') ¦ 'abc' | replace('', '-') ¦ 'aaa' | replace('a', 'b', 2) ¦ 'aaa'.replace('aa', 'b') ¦ 123 | replace('2', 'x') ¦ s.startswith('Hell') ¦ s.startswith(('x', 'He')) ¦ s.endswith('d') ¦ s.endswith('') ¦ s.startswith('World', 7) ¦ s.find('o') ¦ s.find('o', 5) ¦ s.rfind('o') ¦ s.find('zz') ¦ s.index('W') ¦ s.index('zz') ¦ s.count('l') ¦ s.count('') ¦ 'aaaa'.count('aa') ¦ u.find('ß') ¦ s.join(['1', '2']) ¦ ', '.join(ls) ¦ ', '.join([1]) ¦ 'abc'.removeprefix('a') ¦ 'abc'.removesuffix('bc') ¦ '7'.zfill(3) ¦ '-7'.zfill(4) ¦ 'a'.center(4, '*') ¦ 'ab'.center(5, '*') ¦ 'abc'.ljust(5, '.') ~ '|' ¦ 'abc'.rjust(5) ¦ 'a\tb'.expandtabs(4) ¦ 'abc' | center(9) ~ '|'
'abc'.isalpha() ¦ 'ab1'.isalpha() ¦ 'ab1'.isalnum() ¦ '12'.isdigit() ¦ '²'.isdigit() ¦ '²'.isdecimal() ¦ '½'.isnumeric() ¦ ''.isdigit() ¦ ' \n'.isspace() ¦ 'abc'.islower() ¦ 'aBc'.islower() ¦ 'A1'.isupper() ¦ 'Hello World'.istitle() ¦ 'Hello world'.istitle() ¦ 'a_1'.isidentifier() ¦ '1a'.isidentifier() ¦ 'é'.isascii() ¦ 'Straße'.casefold()
'{} {}'.format(1, 'a') ¦ '{1} {0}'.format(1, 2) ¦ '{a}-{b[0]}-{c.x}'.format(a=1, b=[2], c={'x': 3}) ¦ '{:>5}|{:<5}|{:^5}|{:*^5}'.format(1, 'a', 'b', 'c') ¦ '{:.2f}'.format(3.14159) ¦ '{:05d}'.format(42) ¦ '{:,}'.format(1234567) ¦ '{:x}'.format(255) ¦ '{:#x}'.format(255) ¦ '{:b}'.format(5) ¦ '{:e}'.format(12345.678) ¦ '{:%}'.format(0.25) ¦ '{!r}'.format('a') ¦ '{{}}'.format() ¦ '{:{w}}'.format('a', w=4) ~ '|' ¦ '{:+}'.format(3) ¦ '{:g}'.format(0.00001) ¦ '{:.3}'.format('abcdef') ¦ '{:.3}'.format(3.14159) ¦ '{:10.3f}'.format(2.5) ¦ '{'.format() ¦ '{}'.format() ¦ '{:d}'.format('a') ¦ '{0} {}'.format(1) ¦ '{:_}'.format(1234567) ¦ '{:.0f}'.format(2.5) ¦ '{:s}'.format(1)
l | length ¦ s | length ¦ u | length ¦ d | length ¦ i | length ¦ l | count ¦ ls | sort ¦ ls | sort(case_sensitive=true) ¦ ls | sort(reverse=true) ¦ l | sort ¦ [1, 'a'] | sort ¦ m | sort(attribute='role') | map(attribute='role') | list ¦ l | min ¦ l | max ¦ el | max ¦ ls | min ¦ ls | max ¦ l | sum ¦ el | sum ¦ [1.5, 2] | sum ¦ [[1], [2]] | sum(start=[]) ¦ m | sum(attribute='extra') ¦ [{'v': 1}, {'v': 2}] | sum(attribute='v') ¦ l | first ¦ el | first ¦ l | last ¦ el | last ¦ s | first ¦ s | last ¦ d | first ¦ d.items() | first ¦ l | reverse | list ¦ s | reverse ¦ (1, 2) | reverse | list ¦ l | join ¦ l | join('-') ¦ m | join(', ', attribute='role') ¦ mixed | join(',') ¦ 'abc' | join('.') ¦ none | join ¦ ls | unique | list ¦ [1, 1.0, true, 2] | unique | list ¦ m | unique(attribute='role') | map(attribute='role') | list
l | map('string') | list ¦ ls | map('upper') | join(',') ¦ m | map(attribute='content') | list ¦ m | map(attribute='extra', default=0) | list ¦ [' a ', 'b '] | map('trim') | list ¦ ls | map('replace', 'a', 'x') | list ¦ l | select | list ¦ [0, 1, none, 'a'] | select | list ¦ [0, 1, none, 'a'] | reject | list ¦ l | select('odd') | list ¦ l | reject('odd') | list ¦ l | select('gt', 1) | list ¦ m | selectattr('role', 'equalto', 'user') | list | length ¦ m | selectattr('content') | list | length ¦ m | rejectattr('role', 'in', ['user', 'system']) | map(attribute='role') | list ¦ m | selectattr('extra', 'defined') | list | length ¦ m | selectattr('content', 'none') | list | length ¦ el | map('upper') | list ¦ l | map('nope') | list ¦ m | selectattr('role', '==', 'user') | first ¦ (l | select('odd')) is iterable ¦ (l | map('string')) | length ¦ [[1, 2], [3]] | map('first') | list ¦ [{'a': {'b': 1}}] | map(attribute='a.b') | list ¦ [[5, 6]] | map(attribute=1) | list
d | items | list ¦ missing | items | list ¦ l | items | list ¦ d | dictsort ¦ {'b': 1, 'A': 2, 'c': 0} | dictsort ¦ {'b': 1, 'A': 2, 'c': 0} | dictsort(true) ¦ {'b': 1, 'A': 2, 'c': 0} | dictsort(false, 'value') ¦ {'b': 1, 'a': 2} | dictsort(by='value', reverse=true) ¦ {'b': 1} | dictsort(by='x') ¦ m | groupby('role') | map('first') | list ¦ m | groupby('role') | length ¦ [1, 2, 3, 4, 5] | batch(2) | list ¦ [1, 2, 3, 4, 5] | batch(2, 0) | list ¦ [1, 2, 3, 4, 5] | slice(2) | list ¦ [1, 2, 3, 4, 5] | slice(3, 'x') | list ¦ l | list ¦ 'abc' | list ¦ d | list ¦ none | list ¦ i | list ¦ (1, 2) | list
3.7 | int ¦ '42' | int ¦ '42.9' | int ¦ 'abc' | int ¦ 'abc' | int(5) ¦ 'ff' | int(0, 16) ¦ '0x1f' | int(0, 16) ¦ ' 12 ' | int ¦ '1_000' | int ¦ none | int ¦ true | int ¦ '1e3' | int ¦ [] | int ¦ '3.5' | float ¦ 'x' | float ¦ 'x' | float(1.5) ¦ 'inf' | float ¦ none | float ¦ 7 | float ¦ -3 | abs ¦ 2.5 | abs ¦ 'a' | abs ¦ 2.5 | round ¦ 3.5 | round ¦ 2.567 | round(2) ¦ 2.5 | round(0, 'ceil') ¦ 2.5 | round(method='floor') ¦ 7 | round ¦ 1234 | round(-2) ¦ 2.675 | round(2) ¦ -2.5 | round ¦ 2.1 | round(1, 'ceil') ¦ 3 | round(1, 'floor') ¦ 5 | string ¦ none | string ¦ true | string ¦ 2.0 | string ¦ l | string ¦ d | string ¦ 1000000 | filesizeformat ¦ 1 | filesizeformat ¦ 500 | filesizeformat ¦ 123456 | filesizeformat(true)
'a b_c d-e' | wordcount ¦ 'a<b>&"c\'' | escape ¦ '<a>' | e ¦ '<a>' | forceescape ¦ ('<a>' | safe) + '<b>' ¦ '<b>' + ('<a>' | safe) ¦ ('<a>' | safe) ~ '<b>' ¦ '<a>' | safe | upper ¦ 'a b/c?d=é' | urlencode ¦ {'a b': 'c&d', 'e': 1} | urlencode ¦ 'foo bar baz qux' | truncate(9) ¦ 'foo bar baz qux' | truncate(9, true) ¦ 'foo bar baz qux' | truncate(11) ¦ 'foo bar baz qux' | truncate(11, false, '..', 0) ¦ 'short' | truncate ¦ 'a\nb\n\nc' | indent ¦ 'a\nb' | indent(2, true) ¦ 'a\n\nb' | indent(2, blank=true) ¦ 'a\nb' | indent('> ') ¦ 'a\nb' | indent(width=1, first=true) ¦ '' | indent(2, true) ~ '|' ¦ 'a\n' | indent(2) ~ '|' ¦ 5 | indent ¦ '%s: %s' | format('a', 1) ¦ '%(x)s' | format(x=1) ¦ s | attr('upper') is defined ¦ d | attr('b') is defined ¦ s | string | length
none | tojson ¦ true | tojson ¦ i | tojson ¦ fl | tojson ¦ 1e100 | tojson ¦ big | tojson ¦ s | tojson ¦ m[3].content | tojson ¦ u | tojson ¦ u | tojson(ensure_ascii=true) ¦ l | tojson ¦ el | tojson ¦ ed | tojson ¦ d | tojson ¦ d | tojson(indent=2) ¦ [[], {}, [1]] | tojson(indent=2) ¦ d | tojson(indent=0) ¦ l | tojson(separators=(',', ':')) ¦ d | tojson(separators=(',', ':')) ¦ {'b': 1, 'a': 2} | tojson(sort_keys=true) ¦ {1: 'a', true: 'b', none: 'c', 1.5: 'd'} | tojson ¦ {(1, 2): 3} | tojson ¦ (1, 'a') | tojson ¦ mixed | tojson ¦ '</script>\u2028\x7f' | tojson ¦ '\x00\x1f\b\f' | tojson ¦ l | tojson(indent='--') ¦ range(3) | tojson ¦ d.items() | tojson ¦ [missing] | tojson ¦ m[3] | tojson(indent=4) ¦ d | tojson(indent=none) ¦ {'a': 1} | tojson(true, 1)
s is string ¦ i is string ¦ i is number ¦ t is number ¦ fl is number ¦ fl is float ¦ i is integer ¦ t is integer ¦ t is boolean ¦ i is boolean ¦ n is none ¦ missing is none ¦ d is mapping ¦ l is mapping ¦ l is sequence ¦ s is sequence ¦ d is sequence ¦ i is sequence ¦ missing is sequence ¦ l is iterable ¦ s is iterable ¦ i is iterable ¦ missing is iterable ¦ n is iterable ¦ (1,) is sequence ¦ range(2) is sequence ¦ d.items() is sequence ¦ missing is undefined ¦ s is undefined ¦ s is defined ¦ t is true ¦ 1 is true ¦ f is false ¦ z is false ¦ s is lower ¦ 'a' is lower ¦ 'A' is upper ¦ 3 is odd ¦ 3 is even ¦ 9 is divisibleby 3 ¦ 9 is divisibleby(2) ¦ 1 is in [1, 2] ¦ 1 is in(l) ¦ 1 is eq 1 ¦ 1 is ne 1 ¦ 1 is lt 2 ¦ 2 is ge 2 ¦ 1 is == 1 ¦ 'a' is equalto 'a' ¦ i is sameas i ¦ none is sameas none ¦ 1 is sameas true ¦ s.upper is callable ¦ i is callable ¦ 'upper' is filter ¦ 'nope' is filter ¦ 'odd' is test ¦ s is not string ¦ s is not none and t ¦ not s is string ¦ s is escaped ¦ 'a' is safe ¦ 2 is greaterthan 1 ¦ none is not none
{} ¦ [] ¦ () ¦ (1,) ¦ [1, [2, (3, {'a': none})]] ¦ {'a': 'b', 1: [true]} ¦ ['it\'s', 'say "hi"', 'both \' and "'] ¦ ['\n\t\\\x00é😀\u200b\xad'] ¦ {'k': 1.0, 'j': 1e20} ¦ [1e16, 0.1, -0.0] ¦ range(3) ¦ range(1, 10, 3) ¦ range(3) | list ¦ range(10, 0, -3) | list ¦ range(0) | list ¦ range(200000) | length ¦ range('a') ¦ dict(a=1, b='x') ¦ dict([('a', 1)], b=2) ¦ namespace(a=1).a ¦ namespace(a=1).b ¦ namespace({'x': 2}).x ¦ 'a' 'b' ¦ "\u00e9\x41\101\q" ¦ 'tab\there' ¦ 'line\
joined' ¦ 0x1f ¦ 0b101 ¦ 0o17 ¦ 1_000 ¦ 1.5e3 ¦ 1E5 ¦ 12.0 ¦ .5
strftime_now('%Y-%m-%d') ¦ strftime_now('%d %b %Y') ¦ strftime_now('%A, %B %d, %Y %H:%M:%S') ¦ strftime_now('%-d %j %y %p %I %% %e %a %U %W %w %u %V %G') ¦ strftime_now('%F %T %D %R %c %x %X|%z%Z|') ¦ strftime_now('%f') ¦ strftime_now('plain')
raise_exception('stop: ' ~ s) ¦ raise_exception(missing) ¦ nope() ¦ s() ¦ s.upper(1) ¦ s | nope ¦ s is nope ¦ l[0][1] ¦ 1 + ¦ [1, 2 ¦ (1 ¦ {'a' 1} ¦ 1 2 ¦ a b ¦ {{ ¦ x. ¦ loop ¦ {**d} ¦ s if ¦ l[ ¦ @ ¦ s is string is none ¦ 1 is ¦ f(a=1, 2) ¦ f(*l, *l) ¦ 'open ¦ s ||
i[1:] ¦ t[::2] ¦ n[:1] ¦ d[:1] ¦ [i | unique, n | map('upper')] is none ¦ 'a' % l ¦ 'a' % d ¦ 'a' % missing ¦ 'a' % i ¦ [s | safe] ¦ ('<b' | e) | list ¦ fl[0] ¦ ('' ~ big)[:5] ¦ ('%s' % none) ~ '!' ¦ [none, true, false, missing] ¦ (l | first) + 1 ¦ (ls | sort | first).upper() ¦ m[-1]['role'] ¦ m[:1] + m[1:2] == m[:2] ¦ m[1:] | length ¦ m | length - 1 ¦ m[0].content.strip().split('\n')[0] ¦ [[x] for x in l] ¦ l | batch(2) | map('join', '-') | join('|') ¦ s.split(', ')[1][0] | lower ¦ d.a.x | last | tojson ¦ not missing ¦ missing or 'z' ¦ none or missing or 'w' ¦ ''.join(['a']) ¦ 'a'.__class__ ¦ d.__init__ ¦ l.__len__ is defined ¦ ''.__class__.__mro__
"""

TEMPLATES = [
    "{% for x in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }};{% endfor %}",
    "{% for x in l %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }}|{{ loop.cycle('a', 'b') }}{{ loop.changed(x > 1) }} {% endfor %}",
    "{% for x in el %}x{% else %}none{% endfor %}",
    "{% for x in missing %}x{% else %}none{% endfor %}",
    "{% for x in l if x > 1 %}{{ loop.index }}/{{ loop.length }}:{{ x }}{{ loop.last }} {% endfor %}",
    "{% for x in l if x > 9 %}x{% else %}nothing{% endfor %}",
    "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}",
    "{% for k in d %}{{ k }} {% endfor %}",
    "{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "{% for a, b in [(1, 2, 3)] %}{{ a }}{% endfor %}",
    "{% for a, b in [1] %}{{ a }}{% endfor %}",
    "{% for c in u %}[{{ c }}]{% endfor %}",
    "{% for x in 5 %}{% endfor %}",
    "{% for x in range(10) %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 5 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "{% break %}",
    "{% for x in l %}{% for y in l %}{{ loop.index }}{% if y == 1 %}{% break %}{% endif %}{% endfor %}-{{ loop.index }} {% endfor %}",
    "{% for x in [[1, [2]], [3]] recursive %}{{ loop.depth }}{% if x is iterable %}({{ loop(x) }}){% else %}{{ x }}{% endif %}{% endfor %}",
    "{% set x = 1 %}{% for i in l %}{% set x = x + 1 %}{{ x }}{% endfor %}{{ x }}",
    "{% set ns = namespace(x=1) %}{% for i in l %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}",
    "{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{{ x }}",
    "{% if false %}{% set x = 2 %}{% endif %}{{ x is defined }}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{% set a, b = [1] %}{{ a }}", "{% set a = 1, 2 %}{{ a }}", "{% set i.x = 1 %}",
    "{% set q.x = 1 %}", "{% set x %}  block {{ i }} {% endset %}[{{ x }}]", "{% set x | trim | upper %}  block {% endset %}[{{ x }}]",
    "{% set x = 5 %}{% with x = 7, y = x %}{{ x }}{{ y }}{% set x = 9 %}{% endwith %}{{ x }}", "{% with %}{{ i }}{% endwith %}",
    "{% filter upper %}abc {{ s }}{% endfilter %}", "{% filter replace('a', 'b') | upper %}a{% endfilter %}",
    "{% macro f(a, b=2, c=a) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ f(1) }} {{ f(1, c=5) }} {{ f(b=1, a=3) }} {{ f() }}",
    "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, 2) }}", "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(x=2) }}",
    "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, a=2) }}",
    "{% macro f() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, 2, x=3) }}",
    "{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}",
    "{% macro f(x) %}<{{ caller() }}{{ x }}>{% endmacro %}{% call f(1) %}body{{ i }}{% endcall %}",
    "{% macro f() %}{{ caller(1, 2) }}{% endmacro %}{% call(a, b=5) f() %}{{ a }}-{{ b }}{% endcall %}",
    "{% macro f() %}{{ caller() }}{% endmacro %}{{ f() }}", "{% macro f() %}x{% endmacro %}{% call f() %}y{% endcall %}",
    "{% macro f() %}{{ y }}{% endmacro %}{% set y = 1 %}{{ f() }}{% set y = 2 %}{{ f() }}",
    "{% macro f() %}{% set z9 = 1 %}{% endmacro %}{{ f() }}{{ z9 is defined }}", "{% macro f(a, a) %}{% endmacro %}", "{% macro f(a=1, b) %}{% endmacro %}",
    "{% macro f() %}[{{ x }}]{% endmacro %}{% for x in l %}{{ f() }}{% endfor %}", "{% macro f(x) %}{{ x }}{% endmacro %}{{ f(*l[:1]) }}{{ f(**{'x': 5}) }}{{ f is callable }}{{ f.name }}",
    "{% macro f() %}  a  {% endmacro %}{{ f() | trim | length }}{{ f() ~ '!' }}{{ f() is string }}",
    "{% macro f() %}{% for x in l %}{{ loop.index }}{% endfor %}{% endmacro %}{% for x in [1, 2] %}{{ f() }};{% endfor %}",
    "{% generation %}gen {{ s }}{% endgeneration %}!", "{% set x = 1 %}{% generation %}{% set x = 2 %}{{ x }}{% endgeneration %}{{ x }}",
    "{% for x in l %}{% generation %}{{ loop.index }}{{ x }}{% endgeneration %}{% endfor %}",
    "{% if z %}a{% elif e %}b{% elif i %}c{% else %}d{% endif %}", "{% if missing %}a{% endif %}b", "{% if not missing %}a{% endif %}", "{% if 1, %}tuple{% endif %}",
    "{% raw %}{{ not }} {% here %}{% endraw %}!", "{%- raw -%}  {{ x }}  {%- endraw -%}  !", "a {# comment {{ x }} #} b", "a\n  {# c #}\nb", "a {#- c -#} b",
    "a\n  {% if true %}\n  b\n  {% endif %}\nc\n", "a\n  {%- if true -%}\n  b\n  {%- endif -%}\nc\n", "a  {%+ if true +%}\n b{% endif %}\n\nc", "  {%+ if true %}x{% endif %}", "  {{ i }}\n  {{- i -}}\n  x",
    "x {% if true %} y {% endif %} z", "{% if true %}\n\n\nx{% endif %}", "a\n\n{% set x = 1 %}\n\nb\n\n", "\n\n", "a\r\nb\r{% if true %}\r\nc{% endif %}", "  {% set a = 1 %}  {% set b = 2 %}\nx", "\t{% if true %}\tx{% endif %}",
    "{{ '}}' }}", "{{ '{%' }}", "{{ {'a': {'b': 1}}['a']['b'] }}", "{{{'a': 1}.a}}", "{{ {'a':{}} }}", "{{- 5 }}", "{{ -5 }}", "{{-5}}", "{{+5}}", "{% print 1, 2 %}", "{% print i %}", "text", "", "{{ }}", "{% %}", "{%", "{{ 1", "{# open", "{% if true %}", "{% endif %}", "{% for x in l %}{% endif %}", "{% else %}", "{{ 1 }", "}} %} #}", "{ { x } }",
    "{% do l %}", "{% include 'x' %}", "{% import 'x' as y %}", "{% extends 'x' %}", "{% block a %}b{% endblock %}", "{% autoescape true %}{{ '<' }}{% endautoescape %}", "{% block b scoped %}{{ i }}{% endblock b %}", "{% for x in l %}{% block c scoped %}{{ x }}{% endblock %}{% endfor %}", "{% block d %}1{% endblock %}{% block d %}2{% endblock %}", "{% autoescape false %}{{ '<' }}{% endautoescape %}", "{{ '<b>a  <i>b</i>\\n c</b> &amp;lt; <!-- <x> --> d'|striptags }}", "{{ ' &lt;b&gt; &#65;&#x42; <c'|striptags }}", "{{ '<!-- a < b'|striptags }}", "{{ 12|striptags }}", "{{ ''|striptags }}", "{% nope %}", "{% if false %}{{ s | nope }}{% endif %}ok", "{{ 'x' if true else (s | nope) }}", "{% if i is nope %}{% endif %}", "{% if false and i is nope %}{% endif %}ok",
    "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.reset() }}{{ c.next() }}", "{% set j = joiner('-') %}{% for x in l %}{{ j() }}{{ x }}{% endfor %}",
    "{% for g in m | groupby('role') %}{{ g.grouper }}:{{ g.list | length }};{% endfor %}", "{% for role, items in m | groupby('role') %}{{ role }}{{ items | length }}{% endfor %}", "{% for b in range(5) | batch(2, '-') %}{{ b | join }};{% endfor %}",
    "{% set g = l | select('odd') %}{{ g | list }}{{ g | list }}", "{% set g = l | map('string') %}{% if g %}yes{% endif %}", "{% for x in l | reverse %}{{ x }}{{ loop.last }}{% endfor %}", "{% for k, v in d | dictsort %}{{ k }}{% endfor %}", "{% for x in l | select('gt', 1) %}{{ loop.index }}{{ loop.revindex }}{{ x }} {% endfor %}",
    "{% for x in ls %}{{ x }}{{ ', ' if not loop.last }}{% endfor %}", "{% for m in m %}{{ m.role }}{% endfor %}{{ m | length }}", "{% for loop in l %}{% endfor %}", "{% set loop = 1 %}{{ loop }}", "{% for x in l %}{% set loop = 1 %}{% endfor %}", "{{ loop is defined }}", "{% for x in l %}{% if loop.first %}{% set first = x %}{% endif %}{{ first }}{% endfor %}",
    "{% set ns = namespace() %}{% set ns.a = 1 %}{{ ns.a }}{{ ns.b is defined }}", "{% set ns = namespace(l=[]) %}{% for x in l %}{% set ns.l = ns.l + [x] %}{% endfor %}{{ ns.l }}", "{% set x = {'a': 1} %}{% set x = dict(x, b=2) %}{{ x }}", "{% set true = 1 %}", "{% set 'a' = 1 %}", "{% set (a, b) = (1, 2) %}{{ a + b }}",
    "{%if true%}x{%endif%}", "{% if true: %}x{% endif %}", "{%- for x in l -%} {{ x }} {%- endfor -%}", "{{ s\n  | upper\n}}", "{% set x = [\n 1,\n 2,\n] %}{{ x }}", "{{ [1, 2,] }}{{ {'a': 1,} }}{{ (1,) }}", "{{ f(1,) }}", "{{ dict(a=1,) }}",
]


# What Python renders and the interpreter refuses by name.
REFUSED = ["{% autoescape true"]


def case(template):
    if template.startswith(tuple(REFUSED)):
        return {"template": template, "fails": "not supported"}
    try:
        return {"template": template, "expected": env.from_string(template).render(**CONTEXT)}
    except Exception as e:
        return {"template": template, "fails": type(e).__name__ + ": " + str(e)}


def expressions():
    for line in EXPRESSIONS.strip().split(" ¦ "):
        yield from line.split("\n") if "\\\n" not in line else [line]


print(json.dumps({"context": CONTEXT}, ensure_ascii=False))
for expression in expressions():
    print(json.dumps(case("{{ " + expression + " }}"), ensure_ascii=False))
for template in TEMPLATES:
    print(json.dumps(case(template), ensure_ascii=False))
