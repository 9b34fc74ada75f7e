"""What AIOpsLab's commands and calls of the cluster's API came to: it drops exit codes, takes error texts for
answers, and swallows refusals itself."""

import contextlib
import functools
import importlib
import re
import subprocess
import urllib.parse

# each starts its commands by its own `subprocess`
MODULES = ("kubectl", "helm", "dock")
_VERB = re.compile(r"\b(kubectl|helm|docker)\s+(?:compose\s+)?([a-z-]+)")
_READS = {
    "get", "describe", "logs", "wait", "top", "version", "config", "cluster-info", "explain",
    "list", "status", "repo", "dependency", "ps", "inspect",
}  # fmt: skip
_NOT_FOUND = "Error from server (NotFound)"
_SERVER = re.compile(
    r"^(Error from server|Unable to connect to the server|The connection to the server|error:)"
)
_AWAY = re.compile(
    r"Unable to connect to the server|The connection to the server|Unauthorized|must be logged in"
    r"|Error from server \((InternalError|ServiceUnavailable|Timeout|ServerTimeout|TooManyRequests)\)"
    r"|etcdserver|i/o timeout|TLS handshake|connection refused|unexpected EOF"
)
# what a MongoDB shell prints in AIOpsLab's scripts, which end with 0 whatever happens in them
_MONGO = re.compile(r"^.*(?:uncaught exception|exception: connect failed).*$", re.MULTILINE)
_open = []


class Command:
    """A command that ended, with its stdout and stderr where AIOpsLab took them."""

    def __init__(self, command, code, out=None, err=None):
        words = command if isinstance(command, str) else " ".join(map(str, command))
        self.words, self.code = words.strip(), code
        self._said = (err or b"").decode("utf-8", "replace").strip()
        self._mongo = _MONGO.findall((out or b"").decode("utf-8", "replace") + self._said)
        verbs = {verb for _, verb in _VERB.findall(self.words)}
        self.changes = verbs - _READS

    @property
    def failed(self):
        if self.code < 0 or self.code in (126, 127):  # killed, or not to be started
            return True
        lines = [line for line in self._said.splitlines() if _SERVER.match(line)]
        missing = bool(lines) and all(line.startswith(_NOT_FOUND) for line in lines)
        if not self.changes:  # a question: "none" is an answer, and so is a `grep` that finds nothing
            return bool(lines) and not missing
        if "exec" in self.changes and any("already exists" not in line for line in self._mongo):
            return True
        if self.code == 0:  # of a pipeline that is the last command's
            return "|" in self.words and bool(lines) and not missing
        gone = self.changes == {"delete"} or '"finalizers":null' in self.words
        return not (missing and gone)

    @property
    def away(self):
        """Whether nobody answered, whatever was asked."""
        return self.code < 0 or self.code in (126, 127) or bool(_AWAY.search(self._said))

    def __str__(self):
        said = "; ".join(self._mongo) or self._said or "no word"
        return f"`{self.words[:300]}` ended with {self.code}: {said[-500:]}"


class ApiCall:
    """A call of the cluster's API. `status` 0: there was no answer."""

    def __init__(self, method, url, status):
        self.method, self.url, self.status = method, url, status
        self.changes = set() if method in ("GET", "HEAD") else {method.lower()}

    @property
    def failed(self):
        if self.status == 404 and self.method in ("GET", "DELETE"):
            return False
        return not 200 <= self.status < 400

    @property
    def away(self):
        return self.status in (0, 401, 408, 429) or self.status >= 500

    def __str__(self):
        return f"{self.method} {self.url} was answered {self.status or 'by nobody'}"


class Record:
    def __init__(self):
        self.calls = []

    def failures(self):
        return [call for call in self.calls if call.failed]

    def changes(self):
        """What was done to the cluster, by verb, where it did not fail."""
        return {change for call in self.calls if not call.failed for change in call.changes}


@contextlib.contextmanager
def recorded(record=None):
    """Everything that ends meanwhile is in the record, also where others are open."""
    record = Record() if record is None else record
    _open.append(record)
    try:
        yield record
    finally:
        _open.remove(record)


def _note(call):
    for record in _open:
        record.calls.append(call)


class WatchedSubprocess:
    """In place of the module `subprocess` in one of AIOpsLab's. `rewrite` turns a command and the options
    that it is started with into the command to start."""

    def __init__(self, rewrite):
        class Popen(subprocess.Popen):
            def __init__(self, command, *arguments, **options):
                self._command = rewrite(command, options)
                super().__init__(self._command, *arguments, **options)

            def communicate(self, *arguments, **options):
                out, err = super().communicate(*arguments, **options)
                command = Command(self._command, self.returncode, out, err)
                _note(command)
                if self.returncode and err:
                    print(command)  # AIOpsLab drops it
                return out, err

        self._rewrite = rewrite
        self.Popen = Popen

    def __getattr__(self, name):
        return getattr(subprocess, name)

    def run(self, command, *arguments, **options):
        command = self._rewrite(command, options)
        try:
            done = subprocess.run(command, *arguments, **options)
        except subprocess.CalledProcessError as error:
            _note(Command(command, error.returncode, error.stdout, error.stderr))
            raise
        _note(Command(command, done.returncode, done.stdout, done.stderr))
        return done


def install(rewrites):
    """Call before a problem is made. `rewrites`: by the name of the module, of those that have one."""
    for name in MODULES:
        try:
            module = importlib.import_module(f"aiopslab.service.{name}")
        except ImportError:  # of another version; what is needed and lacks is told later
            continue
        module.subprocess = WatchedSubprocess(rewrites.get(name, lambda command, _options: command))
    _watch_api()


def _watch_api():
    try:
        from kubernetes.client import rest
    except ImportError:
        return
    ask = rest.RESTClientObject.request

    @functools.wraps(ask)
    def request(self, method, url, *arguments, **options):
        status = 0
        try:
            answer = ask(self, method, url, *arguments, **options)
            status = answer.status
            return answer
        except rest.ApiException as error:
            status = error.status or 0
            raise
        finally:
            _note(ApiCall(method, urllib.parse.urlsplit(url).path, status))

    rest.RESTClientObject.request = request
