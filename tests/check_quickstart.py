"""Checks the JSON summary of the quickstart's comparison against what README promises.

Usage: check_quickstart.py digits|text < summary.json
"""
import json
import sys


def check(task, summary):
    """Yields one line per broken promise."""
    constrained, baseline = summary["runs"]
    if summary["attacks_compared"] == 0:
        yield "no attack was compared with a certificate"
    if summary["attacks_inside_certified_radius"] != 0:
        yield "an attack lies inside a certified radius"
    for threat in constrained["threats"]:
        if not threat["median_certified_radius"] > 0:
            yield f"no certified radius under {threat['norm']}"
        if not threat["smallest_certified_radius"] > 0:
            yield f"a correctly classified example has no radius under {threat['norm']}"
    if task == "digits":
        clean, other = constrained["clean_accuracy"], baseline["clean_accuracy"]
        if clean < 0.95:
            yield f"constrained clean accuracy {clean:.3f} is below 0.95"
        if clean < other - 0.02:
            yield f"constrained clean accuracy {clean:.3f} is more than 2 points below {other:.3f}"


if __name__ == "__main__":
    broken = list(check(sys.argv[1], json.load(sys.stdin)))
    for line in broken:
        print(f"quickstart check: {line}", file=sys.stderr)
    print("quickstart check: " + ("failed" if broken else "every promise held"), file=sys.stderr)
    sys.exit(1 if broken else 0)
