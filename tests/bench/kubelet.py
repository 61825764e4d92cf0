"""Answers for all kubelets of the fixture what a kubelet with 150 pods says to GET /stats/summary, and nothing else."""

import http.server
import json
import multiprocessing
import os
import pathlib
import ssl
import time

import fixture

PODS = 150


def volume(name, claim, namespace, now):
    stats = {
        "time": now,
        "availableBytes": 7 * 2**30,
        "capacityBytes": 10 * 2**30,
        "usedBytes": 3 * 2**30,
        "inodesFree": 650_000,
        "inodes": 655_360,
        "inodesUsed": 5_360,
        "name": name,
    }
    return stats | ({"pvcRef": {"name": claim, "namespace": namespace}} if claim else {})


def pod(number, now):
    """The ten pods of the set that is measured come first; all nodes report them, and that harms nobody."""
    namespace, name = fixture.namespace_of(0), f"db-0000-{number}" if number < fixture.ORDINALS else f"other-{number}"
    cpu = {"time": now, "usageNanoCores": 1_234_567, "usageCoreNanoSeconds": 987_654_321_000}
    memory = {
        "time": now,
        "availableBytes": 800_000_000,
        "usageBytes": 270_000_000,
        "workingSetBytes": 250_000_000,
        "rssBytes": 200_000_000,
        "pageFaults": 123_456,
        "majorPageFaults": 12,
    }
    files = {key: value for key, value in volume("", None, None, now).items() if key != "name"}
    network = {"name": "eth0", "rxBytes": 123_456_789, "rxErrors": 0, "txBytes": 123_456_789, "txErrors": 0}
    return {
        "podRef": {"name": name, "namespace": namespace, "uid": f"{number:08x}-0000-4000-8000-000000000000"},
        "startTime": now,
        "containers": [{"name": "main", "startTime": now, "cpu": cpu, "memory": memory, "rootfs": files, "logs": files, "swap": {"time": now, "swapUsageBytes": 0}}],
        "cpu": cpu,
        "memory": memory,
        "network": {"time": now, **network, "interfaces": [network]},
        "volume": [volume("data", f"data-{name}", namespace, now), volume("kube-api-access-abcde", None, None, now)],
        "ephemeral-storage": files,
        "process_stats": {"process_count": 12},
    }


def serve(address, ready):
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    body = json.dumps({"node": {"nodeName": "node-0"}, "pods": [pod(number, now) for number in range(PODS)]}).encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            answer = body if self.path.startswith("/stats/summary") else b""
            self.send_response(200 if answer else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    pki = pathlib.Path(os.environ["KUBECONFIG"]).parent / "pki"
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(pki / "apiserver.crt", pki / "apiserver.key")
    server = http.server.ThreadingHTTPServer((address, 10250), Handler)
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    ready.set()
    server.serve_forever()


def start(address):
    """Starts the server in a process of its own, so that measuring does not wait for it."""
    ready = multiprocessing.Event()
    process = multiprocessing.Process(target=serve, args=(address, ready), daemon=True)
    process.start()
    if not ready.wait(10):
        raise SystemExit(f"the kubelets' stand-in does not listen on {address}:10250")
    return process
