"""Prints one table of reproduce.sh: our runs beside the figures they are judged by.

Usage: reproduce.py NAME RUN... (each with RUN.json, the summary of `taut compare --json`)
"""
import json
import pathlib
import sys

EPS = 36 / 255

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
}


def certified(threat):
    for size in threat["accuracy"]:
        if abs(size["eps"] - EPS) < 1e-9:
            every = size.get("certified_accuracy_all_rows")
            return every if every is not None else size["certified_accuracy"], size["attacked_accuracy"]
    return None, None


def row(run):
    summary = json.loads(pathlib.Path(run + ".json").read_text())["runs"][0]
    threat = summary["threats"][0]
    proved, withstood = certified(threat)
    return [pathlib.Path(run).name, f"{100 * summary['clean_accuracy']:.1f} %", f"{threat['logit_constant']:.3g}",
            f"{100 * proved:.1f} %", f"{100 * withstood:.1f} %", f"{threat['median_certified_radius']:.3g}",
            f"{threat['median_attack_radius']:.3g}", f"{summary['ms_per_step']:.0f}", f"{summary['train_seconds']:.0f}"]


def main(name, *runs):
    head = ["run", "clean", "l2 -> logits", "certified at 36/255", "withstood at 36/255*", "median radius*",
            "median attack*", "ms/step", "seconds"]
    rows = [head, ["---"] * len(head)] + [row(run) for run in runs]
    for cells in rows:
        print("| " + " | ".join(cells) + " |")
    print("\n* of the 200 attacked images; the others of all 10,000")
    for line in BESIDE[name]:
        print("Beside it: " + line + ".")


if __name__ == "__main__":
    main(*sys.argv[1:])
