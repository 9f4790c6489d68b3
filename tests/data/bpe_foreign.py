"""Cuts a text with the packages tokenizers and tiktoken, for a comparison.

usage: bpe_foreign.py FOLDER TEXT OUT; FOLDER holds vocab.json and merges.txt, OUT gets the ids of both, a line each
"""

import json
import sys

import tiktoken
from tokenizers import Tokenizer, models, pre_tokenizers

folder, text_path, out = sys.argv[1:]
text = open(text_path, encoding="utf-8", newline="").read()

theirs = Tokenizer(models.BPE.from_file(f"{folder}/vocab.json", f"{folder}/merges.txt"))
theirs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
first = theirs.encode(text).ids

# tiktoken ranks a pair by the id of what it becomes, which is the same for a vocabulary in order of training.
plain = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or b >= 174]
byte_of = {chr(b): b for b in plain}
byte_of.update({chr(256 + n): b for n, b in enumerate(b for b in range(256) if b not in plain)})
ranks = {bytes(byte_of[c] for c in token): i for token, i in json.load(open(f"{folder}/vocab.json")).items()}
pattern = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
second = tiktoken.Encoding("small", pat_str=pattern, mergeable_ranks=ranks, special_tokens={}).encode_ordinary(text)

with open(out, "w") as file:
    for ids in (first, second):
        print(*ids, file=file)
