"""One kubeconfig with one context: AIOpsLab reads it in two places and mixes contexts up."""

import os

from opslab_aiopslab_driver.failures import InfrastructureFailure

# parses, and leads nowhere: AIOpsLab wants a file even for its Docker problems
DUMMY = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "none", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "none", "user": {}}],
    "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
    "current-context": "none",
}
_FILES = (
    ("clusters", "cluster", ("certificate-authority",)),
    ("users", "user", ("client-certificate", "client-key", "tokenFile")),
)


def find(environment):
    """The files that kubectl would read."""
    named = environment.get("KUBECONFIG", "")
    if named:
        paths = [path for path in named.split(os.pathsep) if path]
    else:
        paths = [os.path.join(environment.get("HOME", "/nonexistent"), ".kube", "config")]
    return [path for path in paths if os.path.isfile(path)]


def single_context(paths):
    """The current context alone, its cluster and user, with absolute file names."""
    import yaml  # AIOpsLab depends on it

    documents = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            try:
                document = yaml.safe_load(file) or {}
            except yaml.YAMLError as error:
                raise InfrastructureFailure(f"the kubeconfig is not YAML: {error}") from None
        documents.append(_absolute(document, os.path.dirname(os.path.abspath(path))))
    name = next((doc["current-context"] for doc in documents if doc.get("current-context")), None)
    context = _named(documents, "contexts", name)
    if context is None:
        raise InfrastructureFailure("the kubeconfig has no current context")
    chosen = context["context"]
    clusters = _named(documents, "clusters", chosen.get("cluster"))
    users = _named(documents, "users", chosen.get("user"))
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [clusters] if clusters else [],
        "users": [users] if users else [],
        "contexts": [context],
        "current-context": name,
    }


def _named(documents, kind, name):
    entries = (entry for document in documents for entry in document.get(kind) or [])
    return next((entry for entry in entries if entry.get("name") == name), None)


def _absolute(document, folder):
    for kind, member, names in _FILES:
        for entry in document.get(kind) or []:
            for name in names:
                path = (entry.get(member) or {}).get(name)
                if path:
                    entry[member][name] = os.path.join(folder, path)
    return document
