#!/usr/bin/env python3
"""What masks cost in llguidance, of the vocabulary, schemas and tokens that MaskBench wrote: mask_bench_llguidance.py FOLDER [ROUNDS]

Needs `pip install llguidance numpy`; where they are missing it says so and ends.
"""

import json
import sys
import time


def line(name, nanos):
    nanos = sorted(nanos)
    at = lambda share: nanos[min(len(nanos) - 1, int(share * len(nanos)))] / 1e3
    print(
        f"{name:11s} avg {sum(nanos) / len(nanos) / 1e3:.1f} p50 {at(0.5):.1f} p90 {at(0.9):.1f}"
        f" p99 {at(0.99):.1f} p99.9 {at(0.999):.1f} max {at(1):.1f} us"
    )


class Vocabulary:
    def __init__(self, folder):
        self.tokens = []
        self.special_token_ids = []
        with open(f"{folder}/vocabulary.txt") as lines:
            for id, text in enumerate(lines):
                text = text.strip()
                if text.startswith("!"):
                    self.special_token_ids.append(id)
                    text = text[1:]
                self.tokens.append(bytes.fromhex(text))
        self.bos_token_id = None
        self.eos_token_id = self.special_token_ids[0]

    def __call__(self, text):
        # Only asked for tokens that are forced, which are not measured.
        return [self.tokens.index(bytes([b])) for b in text.encode() if bytes([b]) in self.tokens]


def main():
    try:
        import llguidance
        import numpy
    except ImportError as missing:
        print(f"skipped: {missing}; pip install llguidance numpy")
        return
    folder = sys.argv[1]
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    vocabulary = Vocabulary(folder)
    start = time.perf_counter_ns()
    tokenizer = llguidance.LLTokenizer(
        llguidance.TokenizerWrapper(vocabulary), slices=llguidance.LLTokenizer.json_slices()
    )
    trie = time.perf_counter_ns() - start
    mask = numpy.zeros((tokenizer.vocab_size + 31) // 32, dtype=numpy.int32)
    pointer, size = mask.ctypes.data, mask.nbytes
    cases = [json.loads(text) for text in open(f"{folder}/cases.jsonl")]
    options = {"whitespace_flexible": False}
    for round in range(rounds):
        compiled, first, masks, accepts = [], [], [], []
        refused = left = 0
        for case in cases:
            schema = json.dumps(case["schema"])
            start = time.perf_counter_ns()
            try:
                grammar = llguidance.LLMatcher.grammar_from_json_schema(schema, defaults=options)
            except ValueError:
                refused += 1
                continue
            begin = llguidance.LLMatcher(tokenizer, grammar, log_level=0)
            took = time.perf_counter_ns() - start
            if begin.is_error():
                refused += 1
                continue
            compiled.append(took)
            for index, text in enumerate(case["texts"]):
                matcher = begin.deep_copy()
                for i in range(len(text) + 1):
                    start = time.perf_counter_ns()
                    matcher.unsafe_compute_mask_ptr(pointer, size)
                    took = time.perf_counter_ns() - start
                    masks.append(took)
                    if i == 0 and index == 0:
                        first.append(took)
                    if i < len(text):
                        start = time.perf_counter_ns()
                        consumed = matcher.consume_token(text[i])
                        accepts.append(time.perf_counter_ns() - start)
                        if not consumed:
                            left += 1
                            break
                    elif matcher.is_stopped():
                        break
        print(
            f"llguidance {llguidance.__version__}: {len(compiled)} schemas ({refused} refused),"
            f" {tokenizer.vocab_size} tokens, {len(masks)} masks" + (f", {left} texts left" if left else "")
        )
        line("compile", compiled)
        line("first mask", first)
        line("mask", masks)
        line("accept", accepts)
    print(f"trie   {trie / 1e6:.0f} ms")


main()
