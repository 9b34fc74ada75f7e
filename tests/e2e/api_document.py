"""Holds every answer that a test sees, and every request that was accepted, against openapi.json."""

import copy
import json
import re

import jsonschema

DIALECT = jsonschema.Draft202012Validator


def closed(schema):
    """The schema where no object of known properties may have others: an answer says nothing that
    the document does not."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        made["additionalProperties"] = False
    return made


class ApiDocument:
    def __init__(self, text):
        self.document = json.loads(text)
        self.strict = copy.deepcopy(self.document)
        self.strict["components"]["schemas"] = closed(self.document["components"]["schemas"])
        self.operations = []
        for path, methods in self.document["paths"].items():
            pattern = "^" + re.sub(r"\{[^/]+\}", "[^/]+", path) + "$"
            self.operations.append((re.compile(pattern), path, methods))
        # a path of plain words stands before one with a variable: /tasks/stats before /tasks/{id}
        self.operations.sort(key=lambda entry: entry[1].count("{"))
        self.checkers = {}

    def operation(self, method, target):
        path = target.split("?")[0]
        path = path.removeprefix("/api/v1")
        for pattern, name, methods in self.operations:
            if pattern.match(path):
                return name, methods.get(method.lower())
        return None, None

    def resolve(self, node):
        while "$ref" in node:
            target = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    def errors(self, schema, value):
        key = json.dumps(schema, sort_keys=True)
        if key not in self.checkers:
            whole = {"components": self.strict["components"], "allOf": [schema]}
            self.checkers[key] = DIALECT(whole, format_checker=jsonschema.FormatChecker())
        return [
            f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}"
            for error in self.checkers[key].iter_errors(value)
        ]

    def check(self, method, target, request, status, headers, answer):
        """Raises AssertionError where the exchange is not what the document says."""
        name, operation = self.operation(method, target)
        if operation is None:
            return  # an unknown path or method: there is nothing to hold it against
        place = f"{method} {name} -> {status}"
        assert str(status) in operation["responses"], f"{place} is not in openapi.json"
        described = self.resolve(operation["responses"][str(status)])
        for header in described.get("headers", {}):
            assert header.lower() in {key.lower() for key in headers}, f"{place}: no {header}"
        content = described.get("content", {})
        media = headers.get("Content-Type", "").split(";")[0]
        if content:
            assert media in content, f"{place}: {media} is not in openapi.json"
        if media == "application/json" and method != "HEAD":
            problems = self.errors(content[media]["schema"], answer)
            assert not problems, f"{place}: the answer is not as described: {problems}"
        body = operation.get("requestBody")
        if 200 <= status < 300 and request is not None and body is not None:
            schema = self.resolve(body)["content"]["application/json"]["schema"]
            problems = self.errors(schema, request)
            assert not problems, f"{place}: accepted, against openapi.json: {problems}"
