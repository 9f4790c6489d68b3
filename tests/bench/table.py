"""Prints the ratios of one benchmark run beside their targets; exit status 1 when one is missed.

Usage: table.py NAME GOOGLE_BENCHMARK.json OUT.json
"""
import json
import sys

# name of the run -> rows of (what, measured, peer, largest ratio, rows per iteration)
TARGETS = {
    "spine": [
        ("training step, constrained over AdamW baseline", "train_step/constrained", "train_step/baseline", 2.0, 128),
        ("certify 256 images over one fp32 forward pass", "certify_rows", "forward", 10.0, 256),
        ("10 PGD steps over 10 bare gradients, 256 images", "pgd", "gradients", 2.0, 256),
    ],
}


def medians(report):
    return {b["run_name"].removesuffix("/real_time"): b["real_time"] for b in report["benchmarks"]
            if b.get("aggregate_name") == "median"}


def main(name, source, target):
    with open(source) as file:
        time = medians(json.load(file))
    rows, met = [], 0
    for what, measured, peer, most, examples in TARGETS[name]:
        ratio = time[measured] / time[peer]
        rows.append({"what": what, "ms": time[measured], "peer_ms": time[peer], "ratio": ratio, "target": most,
                     "us_per_example": 1000 * time[measured] / examples, "met": ratio <= most})
        met += rows[-1]["met"]
    width = max(len(row["what"]) for row in rows)
    print(f"{'':{width}}  {'ms':>9} {'peer ms':>9} {'us/example':>11} {'ratio':>7} {'target':>8}")
    for row in rows:
        print(f"{row['what']:{width}}  {row['ms']:9.2f} {row['peer_ms']:9.2f} {row['us_per_example']:11.2f} "
              f"{row['ratio']:7.2f} {'<= ' + format(row['target'], '.1f'):>8}")
    with open(target, "w") as file:
        json.dump({"name": name, "rows": rows}, file, indent=1)
    print(f"targets met: {met} of {len(rows)}")
    return 0 if met == len(rows) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
