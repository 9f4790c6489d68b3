"""Reads the JSON summary of `taut compare` and checks what README promises of the quickstart.

Usage: check_quickstart.py digits|text SECONDS < summary.json
"""
import json
import sys

task, seconds = sys.argv[1], float(sys.argv[2])
summary = json.load(sys.stdin)
print(json.dumps(summary, indent=1)[:3000], file=sys.stderr)
