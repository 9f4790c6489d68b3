"""Writes token shards of random ids in llm.c's layout: what a step costs does not depend on the text.

Usage: random_shards.py FOLDER VOCABULARY TOKENS
"""
import array
import os
import random
import sys


def write(path, ids):
    header = array.array("i", [20240520, 1, len(ids)] + [0] * 253)
    with open(path, "wb") as file:
        file.write(header.tobytes())
        file.write(array.array("H", ids).tobytes())


def main(folder, vocabulary, tokens):
    draw = random.Random(0)
    os.makedirs(folder, exist_ok=True)
    for part in ("train", "val"):
        write(f"{folder}/random_{part}_000000.bin", [draw.randrange(vocabulary) for _ in range(tokens)])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
