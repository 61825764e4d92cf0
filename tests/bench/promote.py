#!/usr/bin/env python3
"""Measures the write outage of planned switchovers on the cluster that $KUBECONFIG names, and prints tables in Markdown.

    promote.py [--runs N] [--only WORD]

A session in a pod writes by the way that clients take; the outage is the longest time between two acknowledged writes
while a switchover is carried out. Where it goes is told by the logs of the two servers. All ways are tried in turns, so
that whatever else the machine does hits every one.
"""

import argparse
import dataclasses
import datetime
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

from measure import verdict

PSQL = "/usr/lib/postgresql/17/bin/psql -XAtq -U postgres -d postgres"
# How long the client writes before and after the command.
AROUND = 1.5
# How long nothing changes before that: what kube-proxy carried out less than a second ago makes the next change wait.
REST = 3
PATIENCE = 180
REPMGR, FAST, SAFE = "`repmgr standby switchover`", "`promote`, fast path", "`promote`, safe path"
PATRONICTL, THROUGH = "`patronictl switchover`", "`promote`, through Patroni"
# Whose median may be how much of whose, at most; and the seconds of the safe path.
TARGETS = [(FAST, REPMGR, 0.5), (THROUGH, PATRONICTL, 1)]
SAFE_SECONDS = 3
# What the log of the old primary tells: its last checkpoint, which ends its log, and its return; then that of the new one.
STOPS, ENDS = "checkpoint starting: shutdown", "checkpoint complete"
BACK = "database system is ready to accept read-only connections"
BEGINS, TAKES = "received promote request", "database system is ready to accept connections"
STREAMING = (
    "SELECT count(*) FROM pg_stat_replication WHERE state = $$streaming$$ AND replay_lsn >= pg_current_wal_lsn() - 65536"
)


def kubectl(*words):
    done = subprocess.run(["kubectl", *words], capture_output=True, check=False, text=True)
    if done.returncode != 0:
        raise SystemExit(f"kubectl {' '.join(words)} failed with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def until(words, look):
    deadline = time.monotonic() + PATIENCE
    while not look():
        if time.monotonic() > deadline:
            raise SystemExit(f"not within {PATIENCE} s: {words}")
        time.sleep(0.3)


class Plain:
    """A set of PostgreSQL whose Service follows the name of a pod."""

    conninfo = "host=db-rw"
    members = ["db-0", "db-1", "db-2"]

    def leader(self):
        pod_name = r"jsonpath={.spec.selector.statefulset\.kubernetes\.io/pod-name}"
        return kubectl("get", "service", "db-rw", "-o", pod_name)

    def settle(self, before):
        # A pod that was made anew has no back-off: its kubelet would hold the tenth restart back for five minutes.
        if before:
            kubectl("delete", "pod", before, "--wait")
        for pod in self.members:
            until(f"{pod} is there", lambda: f"pod/{pod}\n" in kubectl("get", "pods", "-o", "name"))
        kubectl("wait", "pod", *self.members, "--for=condition=Ready", f"--timeout={PATIENCE}s")
        streams = ["exec", self.leader(), "-c", "postgres", "--", "sh", "-c", f"{PSQL} -c '{STREAMING}'"]
        until("two standbys stream", lambda: kubectl(*streams).strip() == "2")

    def log(self, pod):
        words = ["logs", pod, "-c", "postgres"]
        # Of the container before, if there was one.
        before = subprocess.run(["kubectl", *words, "-p"], capture_output=True, check=False, text=True)
        return before.stdout + kubectl(*words)


class Patroni:
    """A set whose leader Patroni chooses, and to which it leads its Service."""

    conninfo = "host=pat"
    members = ["pat-0", "pat-1", "pat-2"]

    def listed(self):
        return json.loads(kubectl("exec", self.members[0], "--", "patronictl", "list", "-f", "json"))

    def leader(self):
        return next(row["Member"] for row in self.listed() if row["Role"] == "Leader")

    def settle(self, _before):
        until("a leader", lambda: sum(row["Role"] == "Leader" for row in self.listed()) == 1)
        streams = lambda row: row["Role"] == "Replica" and row["State"] == "streaming"
        until("two standbys stream", lambda: sum(map(streams, self.listed())) == 2)
        # Patroni labels them in its own time, and its Services follow.
        roles = lambda: kubectl("get", "pods", "-l", "cluster-name=pat", "-o", "jsonpath={.items[*].metadata.labels.role}")
        until("one primary and two replicas", lambda: sorted(roles().split()) == ["primary", "replica", "replica"])

    def log(self, pod):
        return kubectl("logs", pod)


class Repmgr:
    """Three servers in one pod, that repmgr knows. Clients try one after the other, for nothing leads them."""

    conninfo = "host=repmgr,repmgr,repmgr port=5432,5433,5434 target_session_attrs=read-write"
    members = ["1", "2", "3"]

    def ask(self, node, statement):
        return kubectl("exec", "repmgr", "--", "sh", "-c", f"{PSQL} -p {5431 + int(node)} -c '{statement}'").strip()

    def leader(self):
        return next(node for node in self.members if self.ask(node, "SELECT pg_is_in_recovery()") == "f")

    def settle(self, _before):
        leader = self.leader()
        until("two standbys stream", lambda: self.ask(leader, STREAMING) == "2")

    def log(self, node):
        return kubectl("exec", "repmgr", "--", "cat", f"/var/lib/postgresql/data/{node}/data/log/server.log")


@dataclasses.dataclass
class Part:
    """Where an outage goes, in seconds, and how long the old primary took to come back once its log had ended."""

    stop: float
    between: float
    promote: float
    client: float
    back: float


@dataclasses.dataclass
class Way:
    title: str
    servers: object
    # Gives the command, for the leader so far and the member that takes over.
    command: object
    outages: list = dataclasses.field(default_factory=list)
    parts: list = dataclasses.field(default_factory=list)


def promote(name, *words):
    return lambda _from, to: ["kubectl", "stateful", "promote", name, "--to", to, "--yes", *words]


def ways():
    plain, patroni, repmgr = Plain(), Patroni(), Repmgr()
    inside = lambda pod, words: ["kubectl", "exec", pod, "--", *words.split()]
    switch = lambda _from, to: inside(
        "repmgr",
        f"/usr/lib/postgresql/17/bin/repmgr -f /var/lib/postgresql/data/{to}/repmgr.conf standby switchover --siblings-follow",
    )
    patronictl = lambda leader, to: inside(
        leader, f"patronictl switchover pat --leader {leader} --candidate {to} --force"
    )
    return [
        Way(REPMGR, repmgr, switch),
        Way(FAST, plain, promote("db", "--path", "fast")),
        Way(SAFE, plain, promote("db", "--path", "safe")),
        Way(PATRONICTL, patroni, patronictl),
        Way(THROUGH, patroni, promote("pat")),
    ]


class Client:
    """The session that writes."""

    def __init__(self, conninfo):
        self.out = tempfile.TemporaryFile("w+")
        conninfo += " user=postgres dbname=postgres"
        command = ["kubectl", "exec", "-i", "client", "--", "python3", "/scripts/writer.py", conninfo]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=self.out)

    def end(self):
        """Gives the times of acknowledged writes."""
        self.process.stdin.close()
        if self.process.wait() != 0:
            raise SystemExit(f"the client failed with {self.process.returncode}")
        self.out.seek(0)
        *times, last = self.out.read().split("\n")[:-1]
        if not last.startswith("lost 0 of "):
            raise SystemExit(f"acknowledged writes are missing: {last}")
        return [float(time) for time in times]


def longest(times):
    return max(zip(times, times[1:]), key=lambda pair: pair[1] - pair[0])


def told(log, words, after):
    """Finds when a server first said something after a time."""
    for at in re.findall(rf"^(\S+ \S+) UTC \[\d+\] LOG:  {words}", log, re.MULTILINE):
        at = datetime.datetime.fromisoformat(at + "+00:00").timestamp()
        if at >= after:
            return at
    return None


def part(before, after, old, new):
    """Divides an outage. Nothing where the logs do not tell, or tell of another moment: something else took longer."""
    stops = told(old, STOPS, before)
    ended = stops and told(old, ENDS, stops)
    begins = ended and told(new, BEGINS, ended)
    takes = begins and told(new, TAKES, begins)
    back = takes and told(old, BACK, ended)
    if not back or ended > after:
        return None
    return Part(ended - before, begins - ended, takes - begins, after - takes, back - ended)


def switch(way):
    servers = way.servers
    old = servers.leader()
    new = next(member for member in servers.members if member != old)
    time.sleep(REST)
    client = Client(servers.conninfo)
    time.sleep(AROUND)
    started = time.monotonic()
    done = subprocess.run(way.command(old, new), capture_output=True, check=False, text=True)
    took = time.monotonic() - started
    if done.returncode != 0 or servers.leader() != new:
        raise SystemExit(f"{way.title} from {old} to {new} failed with {done.returncode}: {done.stdout}{done.stderr}")
    time.sleep(AROUND)
    before, after = longest(client.end())
    divided = part(before, after, servers.log(old), servers.log(new))
    way.outages.append(after - before)
    if divided:
        way.parts.append(divided)
    parts = dataclasses.asdict(divided).items() if divided else []
    said = ", ".join(f"{name} {seconds:.3f}" for name, seconds in parts) or "not divided"
    outage = f"{after - before:.3f} s ({said}), the command {took:.1f} s"
    print(f"  {way.title} {old} -> {new}: {outage}", file=sys.stderr, flush=True)
    servers.settle(old)


def row(title, values):
    return f"| {title} | {min(values):.3f} | {statistics.median(values):.3f} | {max(values):.3f} |"


def show(all_ways, runs):
    print(f"\nSeconds without an acknowledged write, {runs} runs each, load {os.getloadavg()[0]:.1f}\n")
    print("| | least | median | most |\n| --- | --- | --- | --- |")
    for way in all_ways:
        print(row(way.title, way.outages))
    print("\nWhere they go, medians in milliseconds\n")
    heads = ("the old primary ends its log", "until the new one is told", "it is promoted", "until a client's write")
    print(f"| | {' | '.join(heads)} | the old one back after that end |\n|{' --- |' * 6}")
    for way in all_ways:
        columns = zip(*map(dataclasses.astuple, way.parts))
        cells = [f"{1000 * statistics.median(column):.0f}" for column in columns] or ["not told"] * 5
        print(f"| {way.title} | {' | '.join(cells)} |")
    median = {way.title: statistics.median(way.outages) for way in all_ways}
    for title, peer, limit in TARGETS:
        if title in median and peer in median:
            print(f"\n{title} / {peer}: {verdict(median[title] / median[peer], limit)}")
    if SAFE in median:
        print(f"\n{SAFE}, seconds: {verdict(median[SAFE], SAFE_SECONDS)}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--only", default="", help="a word of the titles of what is measured: Patroni, promote")
    args = parser.parse_args()
    kubectl("wait", "pod", "client", "repmgr", "--for=condition=Ready", f"--timeout={PATIENCE}s")
    measured = [way for way in ways() if args.only.lower() in way.title.lower()]
    for servers in {id(way.servers): way.servers for way in measured}.values():
        servers.settle(None)
    for turn in range(args.runs):
        print(f"run {turn + 1} of {args.runs}, load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
        # There and back are for different ways in the next turn.
        for way in measured if turn % 2 == 0 else reversed(measured):
            switch(way)
    show(measured, args.runs)


if __name__ == "__main__":
    main()
