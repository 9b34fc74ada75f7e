"""What every call of a cluster's API goes through; `api` in the plan has statuses by method and name."""

import types

from aiopslab import PLAN


class ApiException(Exception):
    def __init__(self, status):
        super().__init__(f"({status})\nReason: as planned")
        self.status = status


class RESTClientObject:
    def request(self, method, url, query_params=None):
        status = PLAN.get("api", {}).get(f"{method} {url.rpartition('/')[2]}", 200)
        if status == 0:
            raise ConnectionError("the API is away")
        if status >= 400:
            raise ApiException(status)
        return types.SimpleNamespace(status=status)
