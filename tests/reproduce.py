"""Prints one table of reproduce.sh: our runs beside the figures they are judged by.

Usage: reproduce.py NAME RUN... (each with RUN.json, the summary of `taut compare --json`)
"""
import json
import pathlib
import sys

# What the columns are about: sizes by their key in the summary, the constant, and how radii are given.
PIXELS = {"key": "eps", "sizes": {36 / 255: "36/255"}, "constant": "l2 -> logits", "relative": False}
TOKENS = {"key": "relative_eps", "sizes": {0.001: ".001", 0.003: ".003", 0.01: ".01", 0.03: ".03"},
          "constant": "every token -> logits", "relative": True}

# What was published or measured with the source's own code, and by whom.
BESIDE = {
    "cifar-mlp": [
        "Newhouse et al. 2025, notebook: 58.3 % clean",
        "its code rerun on this data: 57.5 % clean, l2 -> logits 6.26, certified at 36/255 29.8 %, 68 to 76 ms a step",
    ],
    "cifar-pair": [
        "its code rerun, soft cap w_max 3: 49.9 % clean, l2 -> logits .854, certified at 36/255 42.3 %, median radius .514",
        "its code rerun, AdamW .0081 decay .1: 48.7 % clean, l2 -> logits 570, certified 0.0 %, median radius .0032",
    ],
    "cifar-levers": ["cifar-mlp-robust with one thing changed at a time, one seed"],
    "sst2": ["872 sentences, one seed: differences of a point are noise"],
}


def at(threat, key, size):
    for entry in threat["accuracy"]:
        if entry[key] is not None and abs(entry[key] - size) < 1e-9:
            every = entry.get("certified_accuracy_all_rows")
            return every if every is not None else entry["certified_accuracy"], entry["attacked_accuracy"]
    raise SystemExit(f"reproduce: no size {size} in the summary")


def percent(share):
    return f"{100 * share:.1f} %"


def row(run, table):
    summary = json.loads(pathlib.Path(run + ".json").read_text())["runs"][0]
    threat = summary["threats"][0]
    unit = threat["eps_of_relative_1"] if table["relative"] else 1
    accuracies = [at(threat, table["key"], size) for size in table["sizes"]]
    return [pathlib.Path(run).name, percent(summary["clean_accuracy"]), f"{threat['logit_constant']:.3g}",
            *[percent(proved) for proved, _ in accuracies], *[percent(withstood) for _, withstood in accuracies],
            f"{threat['median_certified_radius'] / unit:.3g}", f"{threat['median_attack_radius'] / unit:.3g}",
            f"{summary['ms_per_step']:.0f}", f"{summary['train_seconds']:.0f}"]


def main(name, *runs):
    table = TOKENS if name == "sst2" else PIXELS
    names = table["sizes"].values()
    head = ["run", "clean", table["constant"], *[f"certified at {size}" for size in names],
            *[f"withstood at {size}*" for size in names], "median radius*", "median attack*", "ms/step", "seconds"]
    rows = [head, ["---"] * len(head)] + [row(run, table) for run in runs]
    for cells in rows:
        print("| " + " | ".join(cells) + " |")
    relative = "; sizes and radii relative to the RMS of the embedding" if table["relative"] else ""
    print(f"\n* of the 200 attacked examples; the others of all of them{relative}")
    for line in BESIDE[name]:
        print("Beside it: " + line + ".")


if __name__ == "__main__":
    main(*sys.argv[1:])
