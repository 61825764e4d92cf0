"""A small client of the API server: one kept connection per thread, JSON both ways."""

import base64
import http.client
import json
import os
import ssl
import tempfile
import threading
import urllib.parse


class Refused(Exception):
    """The server answered with an error."""


class Api:
    """Talks as the user of a kubeconfig that the cluster script wrote."""

    def __init__(self, config):
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self.address = urllib.parse.urlsplit(cluster["server"]).netloc
        self.tls = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        with tempfile.NamedTemporaryFile("wb") as pem:
            pem.write(base64.b64decode(user["client-key-data"]) + base64.b64decode(user["client-certificate-data"]))
            pem.flush()
            self.tls.load_cert_chain(pem.name)
        self.own = threading.local()

    @classmethod
    def from_kubectl(cls):
        """Lets kubectl read $KUBECONFIG, for Python has no YAML of its own."""
        return cls(json.loads(os.popen("kubectl config view --raw -o json").read()))

    def host(self):
        """Gives the server's address without the port."""
        return self.address.split(":")[0]

    def ask(self, method, path, body=None, kind="application/json"):
        """Sends one request and gives the answer's bytes."""
        if not hasattr(self.own, "connection"):
            self.own.connection = http.client.HTTPSConnection(self.address, context=self.tls, timeout=120)
        data = None if body is None else json.dumps(body, separators=(",", ":"))
        self.own.connection.request(method, path, data, {"Content-Type": kind, "Accept": "application/json"})
        answer = self.own.connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise Refused(f"{method} {path}: {answer.status} {content[:400].decode(errors='replace')}")
        return content

    def create(self, path, body, manager="kube-controller-manager"):
        """Creates an object and gives its uid. The manager stands in managedFields, as that of a real writer would."""
        content = self.ask("POST", f"{path}?fieldManager={manager}", body)
        # The first uid of an answer is the object's own; reading all of it would cost more than the request.
        return content.split(b'"uid":"', 1)[1].split(b'"', 1)[0].decode()

    def patch(self, path, body, manager="kube-controller-manager"):
        """Merges fields into an object."""
        self.ask("PATCH", f"{path}?fieldManager={manager}", body, "application/merge-patch+json")
