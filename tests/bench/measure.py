#!/usr/bin/env python3
"""Measures the plugin against kubectl on the cluster that $KUBECONFIG names, and prints a table in Markdown.

    measure.py PLUGIN [--runs N]

Both programs of a pair run in turns, so that whatever else the machine does hits both; medians are compared. Time is
from start to end of the process, memory the peak of its resident set, bytes what the API server sent for lists and
kubelets' statistics after compression, as it counts them itself.
"""

import argparse
import dataclasses
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

import fixture
import kubelet
from api import Api

NAMESPACE, SET = fixture.namespace_of(0), "db-0000"


@dataclasses.dataclass
class Command:
    title: str
    argv: list
    times: list = dataclasses.field(default_factory=list)
    peaks: list = dataclasses.field(default_factory=list)
    requests: int = 0
    sent: int = 0

    def seconds(self):
        return statistics.median(self.times)

    def megabytes(self):
        return statistics.median(self.peaks)


@dataclasses.dataclass
class Pair:
    ours: Command
    theirs: Command
    # At most this share of kubectl's time and memory; None where nothing was promised.
    time_target: float | None = None
    memory_target: float | None = None


def pairs(plugin):
    ours = lambda *words: Command(f"kubectl-stateful {' '.join(words)}", [plugin, *words])
    through = lambda *words: Command(f"kubectl stateful {' '.join(words)}", ["kubectl", "stateful", *words])
    theirs = lambda *words: Command(f"kubectl {' '.join(words)}", ["kubectl", *words])
    one = ("status", SET, "-n", NAMESPACE, "--no-probe")
    return [
        Pair(ours("status", "-A"), theirs("get", "sts,pods,pvc,pv", "-A"), 0.10, 0.06),
        Pair(ours("status", "-n", NAMESPACE), theirs("get", "sts,pods,pvc", "-n", NAMESPACE)),
        Pair(ours(*one), theirs("get", "sts,pods,pvc", "-n", NAMESPACE), 0.30),
        Pair(through(*one), theirs("get", "sts,pods,pvc", "-n", NAMESPACE)),
    ]


def run(command):
    """Runs it once. GNU time is between, for a child of Python would report Python's memory as its own."""
    with tempfile.NamedTemporaryFile("r") as report:
        started = time.perf_counter()
        timed = ["/usr/bin/time", "-q", "-f", "%M", "-o", report.name, *command.argv]
        done = subprocess.run(timed, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        elapsed = time.perf_counter() - started
        if done.returncode != 0:
            raise SystemExit(f"{command.title} failed with {done.returncode}: {done.stderr.decode()}")
        return elapsed, int(report.read()) / 1024


def sent_bytes(api):
    """Sums what the API server says it sent for reads of these kinds, metrics and health left aside."""
    metrics = api.ask("GET", "/metrics").decode()
    found = re.findall(r'^apiserver_response_sizes_sum\{(.*)\} (\S+)$', metrics, re.MULTILINE)
    wanted = lambda labels: 'verb="LIST"' in labels or 'subresource="proxy"' in labels
    return sum(float(value) for labels, value in found if wanted(labels))


def count(api, command):
    """Runs it once more, talkative, and counts its requests."""
    before = sent_bytes(api)
    talkative = "-v" if "stateful" in command.title else "-v=6"
    said = subprocess.run([*command.argv, talkative], capture_output=True, check=True, text=True).stderr
    command.sent = sent_bytes(api) - before
    own = re.search(r"^(\d+) requests", said, re.MULTILINE)
    command.requests = int(own[1]) if own else len(re.findall(r'"Response".* verb="GET"', said))


def verdict(ratio, target):
    if target is None:
        return f"{ratio:.3f}"
    return f"{ratio:.3f}, target {target:.2f}: {'met' if ratio <= target else 'MISSED'}"


def spread(values, digits):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def show(all_pairs, runs):
    print(f"\nMedian of {runs} runs (fastest-slowest), load {os.getloadavg()[0]:.1f}\n")
    print("| command | seconds | peak MiB | requests | MB received | time / kubectl's | memory / kubectl's |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for pair in all_pairs:
        time_ratio = verdict(pair.ours.seconds() / pair.theirs.seconds(), pair.time_target)
        memory_ratio = verdict(pair.ours.megabytes() / pair.theirs.megabytes(), pair.memory_target)
        for command, ratios in ((pair.theirs, " | "), (pair.ours, f"{time_ratio} | {memory_ratio}")):
            print(
                f"| `{command.title}` | {spread(command.times, 3)} | {spread(command.peaks, 0)} | {command.requests}"
                f" | {command.sent / 1e6:.2f} | {ratios} |"
            )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("plugin", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    plugin = args.plugin.resolve()
    os.environ["PATH"] = f"{plugin.parent}:{os.environ['PATH']}"  # where kubectl looks for its plugins
    api = Api.from_kubectl()
    kubelet.start(api.host())
    measured = pairs(str(plugin))
    for pair in measured:
        for command in (pair.theirs, pair.ours):
            run(command)  # warms the server's caches and kubectl's own
            count(api, command)
    for turn in range(args.runs):
        print(f"run {turn + 1} of {args.runs}, load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
        for pair in measured:
            for command in (pair.theirs, pair.ours):
                seconds, megabytes = run(command)
                command.times.append(seconds)
                command.peaks.append(megabytes)
    show(measured, args.runs)


if __name__ == "__main__":
    main()
