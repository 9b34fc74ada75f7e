"""API keys: from the operator's environment alone, and only to addresses that the operator chose.

A task may name a key that the operator passed on and an address of its own; were both taken, whoever
submits tasks could have the key sent to himself.
"""

import contextlib
import os
from urllib.parse import urlsplit

from opslab_aiopslab_driver.failures import TaskFailure

DEFAULT_BASE_URL = "https://api.openai.com/v1"
DEFAULT_KEY = "OPENAI_API_KEY"


class Keys:
    def __init__(self, secrets, environment=os.environ):
        self._secrets = dict(secrets)
        self.default_base_url = environment.get("OPENAI_BASE_URL") or DEFAULT_BASE_URL
        allowed = environment.get("OPSLAB_KEY_ORIGINS", "").replace(",", " ").split()
        self._origins = {origin_of(url) for url in [self.default_base_url, *allowed]}

    def trusted(self, base_url):
        return origin_of(base_url) in self._origins

    def for_address(self, base_url, name=None):
        """The key for an address, or None: some servers want none."""
        if name is not None and name not in self._secrets:
            raise TaskFailure(f"no key {name} was passed to the driver (runner's environment)")
        if self.trusted(base_url):
            return self._secrets.get(name or DEFAULT_KEY)
        if name is not None:
            raise TaskFailure(
                "a key may not be sent to agent_config.base_url "
                "(the operator allows addresses in OPSLAB_KEY_ORIGINS)"
            )
        return None

    @contextlib.contextmanager
    def in_environment(self):
        """For agents that look for their key there, while no command can run."""
        os.environ.update(self._secrets)
        try:
            yield
        finally:
            for name in self._secrets:
                os.environ.pop(name, None)


def origin_of(url):
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    return (parts.scheme.lower(), (parts.hostname or "").lower(), port)
