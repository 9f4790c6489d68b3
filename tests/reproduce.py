"""Prints one table of reproduce.sh: our runs beside the figures they are judged by.

Usage: reproduce.py NAME RUN... (each with RUN.json, the summary of `taut compare --json`)
"""
import decimal
import json
import math
import pathlib
import sys

# What the columns are about: sizes by their key in the summary, the constant, and how radii are given.
PIXELS = {"key": "eps", "sizes": {36 / 255: "36/255"}, "constant": "l2 -> logits", "relative": False}
TOKENS = {"key": "relative_eps", "sizes": {0.001: ".001", 0.003: ".003", 0.01: ".01", 0.03: ".03"},
          "constant": "every token -> logits", "relative": True}
TEXT = TOKENS | {"sizes": {0.001: ".001", 0.003: ".003", 0.01: ".01"}}

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
    "shakespeare": [
        "Newhouse et al. 2025: 60 %, loss 1.29, at a claimed bound below 2, of some 1,535 or 10,495 characters",
    ],
}


def at(threat, key, size):
    for entry in threat["accuracy"]:
        if entry[key] is not None and abs(entry[key] - size) < 1e-9:
            every = entry.get("certified_accuracy_all_rows")
            return every if every is not None else entry["certified_accuracy"], entry.get("attacked_accuracy")
    raise SystemExit(f"reproduce: no size {size} in the summary")


def percent(share):
    return f"{100 * share:.1f} %"


def proved(share):
    """A shown share must not claim more than was proved; 1e-9 is what the stored quotient may have lost."""
    return f"{math.floor(1000 * share + 1e-9) / 10:.1f} %"


def bound(value):
    """Three digits, rounded up."""
    return f"{decimal.Context(prec=3, rounding=decimal.ROUND_CEILING).create_decimal(value):.3g}"


def radius(value):
    """Three digits, rounded down."""
    return f"{decimal.Context(prec=3, rounding=decimal.ROUND_FLOOR).create_decimal(value):.3g}"


def of_text(run, largest):
    """What texts are told besides: slices, loss, activation, the bound on the last hidden token, the published one."""
    inspected = json.loads(pathlib.Path(run + ".inspect.json").read_text())
    lines = [json.loads(line) for line in pathlib.Path(run, "metrics.jsonl").read_text().splitlines()]
    best = max(lines, key=lambda line: line.get("validation_accuracy", 0))
    firsts = [json.loads(pathlib.Path(f"{run}.first-{windows}.json").read_text())["runs"][0] for windows in (6, 41)]
    published = inspected["log10_published"]
    return [*[percent(first["clean_accuracy"]) for first in firsts], f"{best['validation_loss']:.3f}",
            f"{largest:.3g}", power(inspected["log10_constant"]), power(published)]


def power(log10):
    if log10 == "nan":
        return "none"
    return bound(10 ** log10) if log10 < 300 else f"10^{math.ceil(10 * log10) / 10}"


def row(run, table):
    summary = json.loads(pathlib.Path(run + ".json").read_text())["runs"][0]
    threat = summary["threats"][0]
    unit = threat["eps_of_relative_1"] if table["relative"] else 1
    accuracies = [at(threat, table["key"], size) for size in table["sizes"]]
    text = of_text(run, summary["largest_activation"]) if table is TEXT else []
    return [pathlib.Path(run).name, percent(summary["clean_accuracy"]), *text, bound(threat["logit_constant"]),
            *[proved(certified) for certified, _ in accuracies], *[percent(withstood) for _, withstood in accuracies],
            radius(threat["median_certified_radius"] / unit), f"{threat['median_attack_radius'] / unit:.3g}",
            f"{summary['ms_per_step']:.0f}", f"{summary['train_seconds']:.0f}"]


def show(rows):
    for cells in [rows[0], ["---"] * len(rows[0]), *rows[1:]]:
        print("| " + " | ".join(cells) + " |")


def bounds(folder):
    """One row a run of a sweep over caps: our bound, the published formula's, accuracy clean and certified."""
    frontier = json.loads(pathlib.Path(folder + ".json").read_text())
    size = f"certified at {frontier['relative_eps']} of the embedding RMS"
    rows = [["run", "every token -> last hidden", "by the published formula", "clean", size]]
    for run in sorted(frontier["runs"], key=lambda run: run["log10_constant"]):
        inspected = json.loads(pathlib.Path(folder, run["run"] + ".inspect.json").read_text())
        rows.append([run["run"], power(run["log10_constant"]), power(inspected["log10_published"]),
                     percent(run["accuracy"]), proved(run["certified_accuracy"])])
    show(rows)


def levers(*runs):
    rows = [["run", "clean", "every token -> last hidden", "median radius",
             *[f"certified at {size}" for size in TEXT["sizes"].values()]]]
    for run in runs:
        summary = json.loads(pathlib.Path(run + ".json").read_text())["runs"][0]
        threat = summary["threats"][0]
        certified = [proved(at(threat, TEXT["key"], size)[0]) for size in TEXT["sizes"]]
        rows.append([pathlib.Path(run).name.removeprefix("lever-"), percent(summary["clean_accuracy"]),
                     power(threat["log10_constant"]),
                     radius(threat["median_certified_radius"] / threat["eps_of_relative_1"]), *certified])
    show(rows)


def main(name, *runs):
    if name == "levers":
        return levers(*runs)
    if name == "bounds":
        return bounds(*runs)
    table = TOKENS if name == "sst2" else TEXT if name.startswith("shakespeare") else PIXELS
    names = table["sizes"].values()
    text = ["first 1,536", "first 10,496", "loss", "largest activation", "every token -> last hidden",
            "by the published formula"]
    head = ["run", "clean", *(text if table is TEXT else []), table["constant"], *[f"certified at {size}" for size in names],
            *[f"withstood at {size}*" for size in names], "median radius*", "median attack*", "ms/step", "seconds"]
    show([head] + [row(run, table) for run in runs])
    relative = "; sizes and radii relative to the RMS of the embedding" if table["relative"] else ""
    attacked = "64 attacked positions" if table is TEXT else "200 attacked examples"
    print(f"\n* of the {attacked}; the others of all of them{relative}")
    for line in BESIDE.get(name, []):
        print("Beside it: " + line + ".")


if __name__ == "__main__":
    main(*sys.argv[1:])
