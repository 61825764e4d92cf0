#!/usr/bin/env python3
"""Fills a bare control plane with what a large cluster has, every object as its real writers leave it.

    fixture.py refresh|load [--sets N] [--apps N]

1,000 StatefulSets of 10 pods, each pod with its claim and volume, each set with its Service, EndpointSlice and budget;
beside them 1,000 Deployments of 20 pods; 10 namespaces; 200 nodes. Out of a hundred sets, one has a claim that cannot
be provisioned, one a container that crashes, and one a left-over claim: a large cluster is never quite well, and reading
events is part of the price.

Objects are made through the API. The server splits off the status on creation, as it does for the real writers, so each
is created by its creator and then gets its status from its reporter; both stand in managedFields.
"""

import argparse
import hashlib
import multiprocessing
import multiprocessing.pool
import pathlib
import time
import uuid

from api import Api, Refused

NAMESPACES = 10
NODES = 200
ORDINALS = 10
APP_PODS = 20
EVENTS_PER_APP = 5
# The client is Python and so is bound to one core per process; the server takes what two of them send.
PROCESSES, THREADS = 4, 12

MARKER = "/api/v1/namespaces/kube-system/configmaps"
NOW = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
REVISION, APP_REVISION = "7c5d9f6b84", "6f9c7d5b48"

PROVISIONING_FAILS, CRASHES, LEFT_OVER = 7, 13, 21


def namespace_of(number):
    return f"team-{number % NAMESPACES}"


def node_of(number):
    return f"node-{number % NODES}"


def zone_of(node):
    return "abc"[int(node.split("-")[1]) % 3]


def volume_name(namespace, claim):
    """Real ones end in the claim's uid; this one is as long, and known before the claim is made."""
    return f"pvc-{uuid.uuid5(uuid.NAMESPACE_OID, namespace + '/' + claim)}"


def address_of(number):
    return f"10.{16 + number // 62500}.{number // 250 % 250}.{number % 250 + 2}"


def controlled_by(kind, name, uid, version="apps/v1"):
    return [{"apiVersion": version, "kind": kind, "name": name, "uid": uid, "controller": True, "blockOwnerDeletion": True}]


# --- nodes ---------------------------------------------------------------------------------------------------------


def load_node(api, number):
    name = node_of(number)
    labels = {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": "m7.4xlarge",
        "topology.kubernetes.io/region": "local",
        "topology.kubernetes.io/zone": zone_of(name),
    }
    annotations = {"node.alpha.kubernetes.io/ttl": "0", "volumes.kubernetes.io/controller-managed-attach-detach": "true"}
    node = {"metadata": {"name": name, "labels": labels, "annotations": annotations}}
    api.create("/api/v1/nodes", node, "kubelet")
    # Admission taints new nodes as not ready; the node controller takes that away.
    api.patch(f"/api/v1/nodes/{name}", {"spec": {"taints": None, "podCIDR": f"10.200.{number}.0/24"}})
    condition = lambda kind, status, reason, message: {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastHeartbeatTime": NOW,
        "lastTransitionTime": NOW,
    }
    room = {"cpu": "16", "memory": "65536Mi", "pods": "250", "ephemeral-storage": "267847642337", "hugepages-2Mi": "0"}
    status = {
        "capacity": room,
        "allocatable": room,
        "conditions": [
            condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
        ],
        # Every kubelet is at the API server's own address, where kubelet.py answers for all of them.
        "addresses": [{"type": "InternalIP", "address": api.host()}, {"type": "Hostname", "address": name}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "images": [
            {"names": [f"registry.example.com/team/image-{n}@sha256:{n:064x}", f"registry.example.com/team/image-{n}:1.{n}"], "sizeBytes": 10**8 + n}
            for n in range(30)
        ],
        "nodeInfo": {
            "architecture": "amd64",
            "bootID": str(uuid.UUID(int=number)),
            "containerRuntimeVersion": "containerd://2.1.4",
            "kernelVersion": "6.12.0",
            "kubeProxyVersion": "",
            "kubeletVersion": "v1.36.3",
            "machineID": f"{number:032x}",
            "operatingSystem": "linux",
            "osImage": "Debian GNU/Linux 12 (bookworm)",
            "systemUUID": f"{number:032x}",
        },
    }
    api.patch(f"/api/v1/nodes/{name}/status", {"status": status}, "kubelet")


# --- pods ----------------------------------------------------------------------------------------------------------


def container(name, image, port, mounts, env, args):
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": args,
        "env": [{"name": key, "value": value} for key, value in env.items()]
        + [{"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "credentials", "key": "superuser"}}}],
        "ports": [{"containerPort": port, "name": "main", "protocol": "TCP"}],
        "readinessProbe": {"tcpSocket": {"port": "main"}, "periodSeconds": 5, "timeoutSeconds": 3},
        "livenessProbe": {"tcpSocket": {"port": "main"}, "periodSeconds": 10, "initialDelaySeconds": 30},
        "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": mounts,
    }


def database_template(name):
    args = [word for option in ("shared_buffers=256MB", "wal_log_hints=on", "max_wal_senders=10", "wal_keep_size=64MB") for word in ("-c", option)]
    env = {"PGDATA": "/var/lib/postgresql/data/pgdata", "POSTGRES_USER": "postgres"}
    mounts = [
        {"name": "data", "mountPath": "/var/lib/postgresql/data"},
        {"name": "scripts", "mountPath": "/docker-entrypoint-initdb.d/replication.sh", "subPath": "replication.sh"},
    ]
    affinity = {"podAffinityTerm": {"labelSelector": {"matchLabels": {"app.kubernetes.io/instance": name}}, "topologyKey": "kubernetes.io/hostname"}}
    return {
        "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, **affinity}]}},
        "containers": [container("postgres", "docker.io/library/postgres:17", 5432, mounts, env, args)],
        "securityContext": {"fsGroup": 999, "runAsNonRoot": True, "runAsUser": 999},
        "terminationGracePeriodSeconds": 60,
        "volumes": [{"name": "scripts", "configMap": {"name": "scripts"}}],
    }


def app_template():
    mounts = [{"name": "tmp", "mountPath": "/tmp"}, {"name": "config", "mountPath": "/etc/app"}]
    env = {"LOG_LEVEL": "info", "LISTEN": ":8080", "UPSTREAM": "http://gateway.shared.svc.cluster.local:8080"}
    return {
        "containers": [container("app", "registry.example.com/team/app:2.14.1", 8080, mounts, env, ["serve", "--config=/etc/app/config.yaml"])],
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000},
        "terminationGracePeriodSeconds": 30,
        "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "config", "configMap": {"name": "config"}}],
    }


def load_pod(api, namespace, pod, number, state):
    """Creates a pod and reports on it as a kubelet would; `state` is running, crashing or pending."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    name = pod["metadata"]["name"]
    uid = api.create(path, pod)
    condition = lambda kind, status, **more: {"type": kind, "status": status, "lastProbeTime": None, "lastTransitionTime": NOW, **more}
    if state == "pending":
        message = "0/200 nodes are available: pod has unbound immediate PersistentVolumeClaims."
        status = {"phase": "Pending", "conditions": [condition("PodScheduled", "False", reason="Unschedulable", message=message)]}
        api.patch(f"{path}/{name}/status", {"status": status}, "kube-scheduler")
        return uid
    ready, spec = state == "running", pod["spec"]["containers"][0]
    identity = f"containerd://{hashlib.sha256(uid.encode()).hexdigest()}"
    ended = {"exitCode": 1, "reason": "Error", "startedAt": NOW, "finishedAt": NOW, "containerID": identity}
    waiting = {"reason": "CrashLoopBackOff", "message": f"back-off 5m0s restarting failed container={spec['name']} pod={name}_{namespace}({uid})"}
    reason = {} if ready else {"reason": "ContainersNotReady", "message": f"containers with unready status: [{spec['name']}]"}
    address, node = address_of(number), pod["spec"]["nodeName"]
    status = {
        "phase": "Running",
        "conditions": [
            condition("PodReadyToStartContainers", "True"),
            condition("Initialized", "True"),
            condition("Ready", str(ready), **reason),
            condition("ContainersReady", str(ready), **reason),
            condition("PodScheduled", "True"),
        ],
        "hostIP": f"10.0.0.{node.split('-')[1]}",
        "hostIPs": [{"ip": f"10.0.0.{node.split('-')[1]}"}],
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": NOW,
        "containerStatuses": [
            {
                "name": spec["name"],
                "image": spec["image"],
                "imageID": f"{spec['image'].split(':')[0]}@sha256:{hashlib.sha256(spec['image'].encode()).hexdigest()}",
                "containerID": identity,
                "ready": ready,
                "started": ready,
                "restartCount": 0 if ready else 17,
                "state": {"running": {"startedAt": NOW}} if ready else {"waiting": waiting},
                "lastState": {} if ready else {"terminated": ended},
                "allocatedResources": spec["resources"]["requests"],
                "resources": spec["resources"],
                "volumeMounts": [{"name": mount["name"], "mountPath": mount["mountPath"]} for mount in spec["volumeMounts"]],
            }
        ],
    }
    api.patch(f"{path}/{name}/status", {"status": status}, "kubelet")
    return uid


# --- StatefulSets and what belongs to them -------------------------------------------------------------------------


def claim_spec():
    return {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "10Gi"}},
        "storageClassName": "fast",
        "volumeMode": "Filesystem",
    }


def load_claim(api, namespace, name, labels, node, bound):
    """Creates a claim and its volume, bound to each other, or a claim whose volume never came."""
    path = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"
    volume, driver = volume_name(namespace, name), "ebs.csi.example.com"
    annotations = {
        "volume.beta.kubernetes.io/storage-provisioner": driver,
        "volume.kubernetes.io/selected-node": node,
        "volume.kubernetes.io/storage-provisioner": driver,
    }
    claim = {"metadata": {"name": name, "labels": labels, "annotations": annotations}, "spec": claim_spec()}
    if not bound:
        return api.create(path, claim)
    annotations |= {"pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes"}
    claim["spec"]["volumeName"] = volume
    uid = api.create(path, claim)
    status = {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "10Gi"}}
    api.patch(f"{path}/{name}/status", {"status": status})
    in_zone = {"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone_of(node)]}
    provisioned = {
        "pv.kubernetes.io/provisioned-by": driver,
        "volume.kubernetes.io/provisioner-deletion-secret-name": "",
        "volume.kubernetes.io/provisioner-deletion-secret-namespace": "",
    }
    content = {
        "metadata": {
            "name": volume,
            "annotations": provisioned,
            "finalizers": ["external-provisioner.volume.kubernetes.io/finalizer", "kubernetes.io/pv-protection"],
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "10Gi"},
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": namespace, "name": name, "uid": uid, "resourceVersion": "1"},
            "csi": {
                "driver": driver,
                "fsType": "ext4",
                "volumeHandle": f"vol-{volume[-17:].replace('-', '0')}",
                "volumeAttributes": {"storage.kubernetes.io/csiProvisionerIdentity": f"1700000000000-8081-{driver}"},
            },
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [in_zone]}]}},
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": "fast",
            "volumeMode": "Filesystem",
        },
    }
    api.create("/api/v1/persistentvolumes", content, "csi-provisioner")
    api.patch(f"/api/v1/persistentvolumes/{volume}/status", {"status": {"phase": "Bound", "lastPhaseTransitionTime": NOW}})
    return uid


def load_service(api, namespace, name, labels, port, pods, headless):
    """Creates a Service and the slice of its endpoints; `pods` are (name, uid, node, address, ready)."""
    spec = {"selector": labels, "ports": [{"name": "main", "port": port}]}
    if headless:
        spec |= {"clusterIP": "None", "publishNotReadyAddresses": True}
    uid = api.create(f"/api/v1/namespaces/{namespace}/services", {"metadata": {"name": name, "labels": labels}, "spec": spec}, "helm")
    endpoints = [
        {
            "addresses": [address],
            "conditions": {"ready": ready or headless, "serving": ready, "terminating": False},
            "nodeName": node,
            "zone": zone_of(node),
            "targetRef": {"kind": "Pod", "namespace": namespace, "name": pod, "uid": pod_uid},
            **({"hostname": pod} if headless else {}),
        }
        for pod, pod_uid, node, address, ready in pods
    ]
    slice_labels = labels | {
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        "kubernetes.io/service-name": name,
    }
    if headless:
        slice_labels["service.kubernetes.io/headless"] = ""
    endpoint_slice = {
        "metadata": {
            "generateName": f"{name}-",
            "labels": slice_labels,
            "annotations": {"endpoints.kubernetes.io/last-change-trigger-time": NOW},
            "ownerReferences": controlled_by("Service", name, uid, "v1"),
        },
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": [{"name": "main", "port": port, "protocol": "TCP"}],
    }
    api.create(f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices", endpoint_slice)


def load_set(api, number):
    namespace, name = namespace_of(number), f"db-{number:04}"
    trouble = number // NAMESPACES % 100
    labels = {
        "app.kubernetes.io/component": "database",
        "app.kubernetes.io/instance": name,
        "app.kubernetes.io/managed-by": "Helm",
        "app.kubernetes.io/name": "postgresql",
    }
    selector = {"app.kubernetes.io/instance": name, "app.kubernetes.io/name": "postgresql"}
    sets = f"/apis/apps/v1/namespaces/{namespace}/statefulsets"
    content = {
        "metadata": {"name": name, "labels": labels | {"helm.sh/chart": "postgresql-16.4.1"}},
        "spec": {
            "replicas": ORDINALS,
            "selector": {"matchLabels": selector},
            "serviceName": name,
            "template": {"metadata": {"labels": labels}, "spec": database_template(name)},
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim_spec()}],
        },
    }
    uid = api.create(sets, content, "helm")
    revision, pods = f"{name}-{REVISION}", []
    for ordinal in range(ORDINALS + (trouble == LEFT_OVER)):
        pod, index = f"{name}-{ordinal}", number * ORDINALS + ordinal
        node, last = node_of(number * 7 + ordinal * 19), ordinal == ORDINALS - 1
        state = {PROVISIONING_FAILS: "pending", CRASHES: "crashing"}.get(trouble, "running") if last else "running"
        claim_labels = {"app.kubernetes.io/instance": name, "app.kubernetes.io/name": "postgresql"}
        load_claim(api, namespace, f"data-{pod}", claim_labels, node, state != "pending")
        if ordinal == ORDINALS:
            continue  # only the claim is left
        identity = {
            "apps.kubernetes.io/pod-index": str(ordinal),
            "controller-revision-hash": revision,
            "statefulset.kubernetes.io/pod-name": pod,
            "topology.kubernetes.io/region": "local",
            "topology.kubernetes.io/zone": zone_of(node),
        }
        spec = database_template(name) | {"hostname": pod, "subdomain": name}
        spec["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": f"data-{pod}"}}, *spec["volumes"]]
        if state != "pending":
            spec["nodeName"] = node
        meta = {"name": pod, "generateName": f"{name}-", "labels": labels | identity, "ownerReferences": controlled_by("StatefulSet", name, uid)}
        pod_uid = load_pod(api, namespace, {"metadata": meta, "spec": spec}, index, state)
        if state != "pending":
            pods.append((pod, pod_uid, node, address_of(index), state == "running"))
    ready = sum(pod[4] for pod in pods)
    load_service(api, namespace, name, selector, 5432, pods, headless=True)
    status = {
        "observedGeneration": 1,
        "replicas": ORDINALS,
        "readyReplicas": ready,
        "availableReplicas": ready,
        "currentReplicas": ORDINALS,
        "updatedReplicas": ORDINALS,
        "currentRevision": revision,
        "updateRevision": revision,
        "collisionCount": 0,
    }
    api.patch(f"{sets}/{name}/status", {"status": status})
    budgets = f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets"
    budget = {"metadata": {"name": name, "labels": labels}, "spec": {"maxUnavailable": 1, "selector": {"matchLabels": selector}}}
    api.create(budgets, budget, "helm")
    allowed = max(0, ready - (ORDINALS - 1))
    condition = {
        "type": "DisruptionAllowed",
        "status": str(allowed > 0),
        "reason": "SufficientPods" if allowed else "InsufficientPods",
        "message": "",
        "lastTransitionTime": NOW,
        "observedGeneration": 1,
    }
    status = {
        "currentHealthy": ready,
        "desiredHealthy": ORDINALS - 1,
        "disruptionsAllowed": allowed,
        "expectedPods": ORDINALS,
        "observedGeneration": 1,
        "conditions": [condition],
    }
    api.patch(f"{budgets}/{name}/status", {"status": status})


# --- Deployments ---------------------------------------------------------------------------------------------------


def load_app(api, number):
    namespace, name = namespace_of(number), f"app-{number:04}"
    labels = {"app.kubernetes.io/instance": name, "app.kubernetes.io/name": "app"}
    pod_labels = labels | {"pod-template-hash": APP_REVISION}
    apps = f"/apis/apps/v1/namespaces/{namespace}"
    template = {"metadata": {"labels": labels}, "spec": app_template()}
    deployment = {"metadata": {"name": name, "labels": labels}, "spec": {"replicas": APP_PODS, "selector": {"matchLabels": labels}, "template": template}}
    owner = controlled_by("Deployment", name, api.create(f"{apps}/deployments", deployment, "helm"))
    replica_set = f"{name}-{APP_REVISION}"
    content = {
        "metadata": {"name": replica_set, "labels": pod_labels, "ownerReferences": owner},
        "spec": {"replicas": APP_PODS, "selector": {"matchLabels": pod_labels}, "template": {"metadata": {"labels": pod_labels}, "spec": app_template()}},
    }
    uid = api.create(f"{apps}/replicasets", content)
    counts = {"replicas": APP_PODS, "readyReplicas": APP_PODS, "availableReplicas": APP_PODS, "observedGeneration": 1}
    api.patch(f"{apps}/replicasets/{replica_set}/status", {"status": counts | {"fullyLabeledReplicas": APP_PODS}})
    api.patch(f"{apps}/deployments/{name}/status", {"status": counts | {"updatedReplicas": APP_PODS}})
    pods = []
    for replica in range(APP_PODS):
        index = NAMESPACES * 10_000 + number * APP_PODS + replica
        pod, node = f"{replica_set}-{replica:05x}", node_of(number * 11 + replica * 13)
        meta = {"name": pod, "generateName": f"{replica_set}-", "labels": pod_labels, "ownerReferences": controlled_by("ReplicaSet", replica_set, uid)}
        pod_uid = load_pod(api, namespace, {"metadata": meta, "spec": app_template() | {"nodeName": node}}, index, "running")
        pods.append((pod, pod_uid, node, address_of(index), True))
    load_service(api, namespace, name, labels, 8080, pods, headless=False)


# --- events --------------------------------------------------------------------------------------------------------


def event(namespace, kind, name, severity, reason, message, source):
    return {
        "metadata": {"generateName": f"{name}.", "namespace": namespace},
        "involvedObject": {"apiVersion": "v1", "kind": kind, "namespace": namespace, "name": name},
        "type": severity,
        "reason": reason,
        "message": message,
        "source": {"component": source},
        "count": 1,
        "firstTimestamp": NOW,
        "lastTimestamp": NOW,
    }


def load_events(api, number):
    """Makes what one set and one app of that number are still being talked about for."""
    namespace, path = namespace_of(number), f"/api/v1/namespaces/{namespace_of(number)}/events"
    if number // NAMESPACES % 100 == PROVISIONING_FAILS:
        claim = f"data-db-{number:04}-{ORDINALS - 1}"
        message = 'failed to provision volume with StorageClass "fast": rpc error: code = ResourceExhausted desc = quota exceeded'
        api.create(path, event(namespace, "PersistentVolumeClaim", claim, "Warning", "ProvisioningFailed", message, "ebs.csi.example.com"), "csi-provisioner")
    pod = f"app-{number:04}-{APP_REVISION}-00000"
    for reason, message in [
        ("Scheduled", f"Successfully assigned {namespace}/{pod} to {node_of(number)}"),
        ("Pulling", "Pulling image registry.example.com/team/app:2.14.1"),
        ("Pulled", "Successfully pulled image in 1.2s (1.2s including waiting). Image size: 104857600 bytes."),
        ("Created", "Created container: app"),
        ("Started", "Started container app"),
    ][:EVENTS_PER_APP]:
        api.create(path, event(namespace, "Pod", pod, "Normal", reason, message, "kubelet"), "kubelet")


# --- loading -------------------------------------------------------------------------------------------------------


def load_namespaces(api):
    for number in range(NAMESPACES):
        namespace = namespace_of(number)
        api.create("/api/v1/namespaces", {"metadata": {"name": namespace}}, "kubectl-create")
        # The controller that makes this one does not run, and without it no pod is admitted.
        api.create(f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "default"}})
    storage_class = {
        "metadata": {"name": "fast", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "ebs.csi.example.com",
        "reclaimPolicy": "Delete",
        "allowVolumeExpansion": True,
        "volumeBindingMode": "WaitForFirstConsumer",
    }
    api.create("/apis/storage.k8s.io/v1/storageclasses", storage_class, "helm")


def work(share):
    """Runs in a process of its own: loads its share with several threads, each on its own connection."""
    name, numbers = share
    api, load = Api.from_kubectl(), globals()[name]
    with multiprocessing.pool.ThreadPool(THREADS) as pool:
        for _ in pool.imap_unordered(lambda number: load(api, number), numbers):
            pass


def load_all(what, load, count):
    started = time.monotonic()
    with multiprocessing.Pool(PROCESSES) as pool:
        pool.map(work, [(load.__name__, range(first, count, PROCESSES)) for first in range(PROCESSES)], chunksize=1)
    print(f"  {what}: {count}, in {time.monotonic() - started:.0f}s", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("verb", choices=["refresh", "load"])
    parser.add_argument("--sets", type=int, default=1000)
    parser.add_argument("--apps", type=int, default=1000)
    args = parser.parse_args()
    version = hashlib.sha256(f"{args.sets} {args.apps} {pathlib.Path(__file__).read_text()}".encode()).hexdigest()[:32]
    if args.verb == "refresh":
        # Written last: a load that was interrupted does not count.
        try:
            Api.from_kubectl().ask("GET", f"{MARKER}/fixture-{version}")
        except Refused:
            raise SystemExit(1) from None
    else:
        load_namespaces(Api.from_kubectl())
        load_all("nodes", load_node, NODES)
        load_all("StatefulSets with pods, claims and volumes", load_set, args.sets)
        load_all("Deployments with pods", load_app, args.apps)
        Api.from_kubectl().create(MARKER, {"metadata": {"name": f"fixture-{version}"}})
    # Events live for an hour, so they are made anew for each run.
    api = Api.from_kubectl()
    for number in range(NAMESPACES):
        api.ask("DELETE", f"/api/v1/namespaces/{namespace_of(number)}/events")
    load_all("objects with events", load_events, max(args.sets, args.apps))


if __name__ == "__main__":
    main()
