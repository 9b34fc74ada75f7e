"""What an agent may change in a cluster beyond the application: the next run would find it there."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Baseline:
    namespaces: frozenset
    nodes: dict  # by name: labels of Kubernetes' own, taints, whether it takes pods


def take(kubectl):
    namespaces = frozenset(item.metadata.name for item in kubectl.list_namespaces().items)
    nodes = kubectl.core_v1_api.list_node().items
    return Baseline(namespaces, {node.metadata.name: _node(node) for node in nodes})


def _node(node):
    labels = node.metadata.labels or {}
    return {
        "labels": {key: labels[key] for key in labels if "kubernetes.io/" in key},
        "taints": {(taint.key, taint.effect) for taint in node.spec.taints or []},
        "scheduling": bool(node.spec.unschedulable),
    }


def changes(before, now):
    """In words; nothing where all is as it was. A namespace that went is none: AIOpsLab removes some."""
    found = [f"the namespace {name}, of the agent" for name in sorted(now.namespaces - before.namespaces)]
    for name in sorted(before.nodes.keys() | now.nodes.keys()):
        was, is_now = before.nodes.get(name), now.nodes.get(name)
        if was is None or is_now is None:
            found.append(f"a node {'more' if was is None else 'less'}: {name}")
        else:
            found += [f"other {key} of the node {name}" for key in was if was[key] != is_now[key]]
    return found
