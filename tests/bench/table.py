"""Prints the figures of one benchmark run beside their targets; exit status 1 when one is missed.

Usage: table.py NAME GOOGLE_BENCHMARK.json OUT.json
"""
import json
import sys

# What is measured, and its target:
#   cost   time / peer's time, at most      gain   peer's time / time, at least
#   ms     time in milliseconds, at most    error  the run's error counter, at most
#   note   no target; peer shown beside
TARGETS = {
    "spine": [
        ("training step, constrained over AdamW baseline", "cost", "train_step/constrained", "train_step/baseline", 2.0),
        ("certify 256 images over one fp32 forward pass", "cost", "certify_rows", "forward", 10.0),
        ("10 PGD steps over 10 bare gradients, 256 images", "cost", "pgd", "gradients", 2.0),
    ],
    "train": [
        ("CIFAR MLP, 100 steps of 512, capped and tracked over AdamW", "cost", "mlp/constrained", "mlp/adamw", 1.4),
        ("GPT of 2M, 10 steps of 64 x 256, capped and tracked over AdamW", "cost", "gpt/constrained", "gpt/adamw", 1.12),
        ("CIFAR MLP, resident memory after 2000 steps / after 200 - 1", "error", "memory", None, 1e-2),
        ("CIFAR MLP, share of a step until its batch is there", "error", "waiting/mlp", None, 5e-2),
        ("GPT of 2M, share of a step until its batch is there", "error", "waiting/gpt", None, 5e-2),
    ],
    "kernels": [
        ("polar factor 12 x 768x768 over textbook", "gain", "polar_ours/square", "polar_textbook/square", 1.3),
        ("polar factor 256x3072 over textbook", "gain", "polar_ours/wide", "polar_textbook/wide", 2.0),
        ("polar factor 768x3072 over textbook", "gain", "polar_ours/mlp", "polar_textbook/mlp", 2.0),
        ("soft cap 768x3072 over long side", "gain", "soft_cap_ours", "soft_cap_textbook/long_side", 10.0),
        ("soft cap 768x3072 over short side", "gain", "soft_cap_ours", "soft_cap_textbook/short_side", 1.5),
        ("hard cap 12 x 768x768 over SVD clip", "gain", "hard_cap_ours/eigenvectors", "hard_cap_svd", 8.0),
        ("hard cap 12 x 768x768, largest error", "error", "hard_cap_ours/eigenvectors", None, 5e-5),
        ("hard cap 12 x 768x768 by products alone", "note", "hard_cap_ours/products", "hard_cap_svd", None),
        ("certified sigma 768x768 (svdvals beside)", "ms", "sigma_certified/square", "sigma_svdvals/square", 60.0),
        ("certified sigma 768x768, upper / lower - 1", "error", "sigma_certified/square", None, 2e-9),
        ("certified sigma 50304x768 (svdvals beside)", "ms", "sigma_certified/table", "sigma_svdvals/table", 1500.0),
        ("certified sigma 50304x768, upper / lower - 1", "error", "sigma_certified/table", None, 2e-9),
        ("bf16 product 12 x 768x768 over fp32", "note", "product/bf16", "product/fp32", None),
    ],
}


def medians(report):
    return {b["run_name"].split("/iterations:")[0].removesuffix("/real_time"): b for b in report["benchmarks"]
            if b.get("aggregate_name") == "median"}


def judged(kind, run, peer, target):
    """The figure, how its target reads, and whether it is met."""
    if kind == "cost":
        value = run["real_time"] / peer["real_time"]
        return value, f"<= {target:g}", value <= target
    if kind == "gain":
        value = peer["real_time"] / run["real_time"]
        return value, f">= {target:g}", value >= target
    if kind == "ms":
        return run["real_time"], f"<= {target:.0f} ms", run["real_time"] <= target
    if kind == "error":
        return run["error"], f"<= {target:.0e}", run["error"] <= target
    return peer["real_time"] / run["real_time"], "", True


def main(name, source, target):
    with open(source) as file:
        runs = medians(json.load(file))
    rows, met, wanted = [], 0, 0
    for what, kind, measured, peer, limit in TARGETS[name]:
        run, beside = runs[measured], runs[peer] if peer else None
        value, reads, holds = judged(kind, run, beside, limit)
        rows.append({"what": what, "kind": kind, "ms": run["real_time"], "peer_ms": beside and beside["real_time"],
                     "value": value, "target": limit, "met": holds})
        wanted += kind != "note"
        met += holds and kind != "note"
        rows[-1]["line"] = (f"{run['real_time']:9.2f} {beside['real_time'] if beside else float('nan'):9.2f} "
                            f"{value:10.3g} {reads:>10} {'' if holds else 'missed'}")
    width = max(len(row["what"]) for row in rows)
    print(f"{'':{width}}  {'ms':>9} {'peer ms':>9} {'figure':>10} {'target':>10}")
    for row in rows:
        print(f"{row['what']:{width}}  {row.pop('line').replace('nan', '   ')}".rstrip())
    with open(target, "w") as file:
        json.dump({"name": name, "rows": rows}, file, indent=1)
    print(f"targets met: {met} of {wanted}")
    return 0 if met == wanted else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
