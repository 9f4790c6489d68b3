"""A smoothed character n-gram: the language model that a network has to beat.

Usage: ngram.py TEXT [CONTEXT]

Counts the first nine tenths of TEXT and predicts the rest, one character after the other, from the CONTEXT (6)
characters before it. Prints a table of accuracy and cross-entropy (nats) on the first 1,535 and 10,495 characters of
the rest and on all of it. A context seen n times, with t kinds of followers, gives its own frequencies the weight
n / (n + 2 t) and the context that is one character shorter the remaining one [Witten and Bell 1991, with t for 2 t].
"""
import collections
import math
import pathlib
import sys

SLICES = (1535, 10495)


class Model:
    def __init__(self, text, longest):
        self.symbols = sorted(set(text))
        self.followers = collections.defaultdict(collections.Counter)
        for length in range(longest + 1):
            for i in range(length, len(text)):
                self.followers[text[i - length:i]][text[i]] += 1
        self.known = {}

    def distribution(self, context):
        """Probability of every symbol behind `context`."""
        if context in self.known:
            return self.known[context]
        found = self.distribution(context[1:]) if context else {s: 1 / len(self.symbols) for s in self.symbols}
        followers = self.followers.get(context)
        if followers:
            shorter = 2 * len(followers)
            total = sum(followers.values()) + shorter
            found = {s: (followers[s] + shorter * p) / total for s, p in found.items()}
        self.known[context] = found
        return found


def main(path, context="6"):
    text = pathlib.Path(path).read_text(encoding="utf-8")
    longest = int(context)
    held_out = (len(text) + 9) // 10
    if longest < 0 or longest >= len(text) - held_out:
        raise SystemExit(f"ngram: no contexts of {longest} characters in this text")
    model = Model(text[:-held_out], longest)
    correct, nats = [], []
    for i in range(len(text) - held_out, len(text)):
        found = model.distribution(text[i - longest:i])
        correct.append(max(found, key=found.get) == text[i])
        nats.append(-math.log(found.get(text[i], 1e-12)))
    print(f"| first characters, {longest} of context | accuracy | cross-entropy |\n| --- | --- | --- |")
    for size in dict.fromkeys(min(s, held_out) for s in (*SLICES, held_out)):
        print(f"| {size} | {100 * sum(correct[:size]) / size:.1f} % | {sum(nats[:size]) / size:.3f} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
