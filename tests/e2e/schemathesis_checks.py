"""Checks that schemathesis loads (SCHEMATHESIS_HOOKS) in place of its own `positive_data_acceptance`:
what openapi.json allows must be accepted, but for rules that no JSON Schema can say."""

import re

import schemathesis
from schemathesis import GenerationMode

# field (of the query, a header, or a pointer into the body) and message of each such rule
BEYOND_A_SCHEMA = [
    # opaque, and good for one list only
    (r"cursor|since_cursor|Last-Event-ID", r"is no (cursor|id of an event) of this"),
    (r".*", r"holds a NUL"),
    (r"offset", r"cannot be given together with cursor"),
    (r"/id", r"must end in its backend_type"),
    (r"(/tasks/\d+)?/callback_url", r"must be an absolute http or https URL"),
    # to a JSON Schema 30.0 is an integer
    (r"(?s)/.*", r"must be an integer from"),
    (r"(?s).*", r"must not (contain|have a key with) the character U\+0000"),
    (r"/worker_lost", r"goes with no kind or with infrastructure"),
    (r"/metadata", r"must not have the key opslab\.instance"),
    (r"since", r"must be an RFC 3339 time"),
    # what there is, workers' own problems included
    (r"app|task_type", r"must be one of"),
    (r"/num_workers", r"must be 0 where no runner is configured"),
]


def shorten(fields, longest):
    """A wait that is allowed becomes one of a second; what must be refused stays as it is."""
    wait = fields.get("wait_seconds") if isinstance(fields, dict) else None
    if str(wait).isascii() and str(wait).isdigit() and 1 < int(wait) <= longest:
        fields["wait_seconds"] = type(wait)(1)


@schemathesis.hook
def before_call(ctx, case, kwargs):
    shorten(case.query, 300)
    shorten(case.body, 30)


def is_beyond_a_schema(field):
    return any(
        re.fullmatch(name, field["field"]) and re.match(message, field["message"])
        for name, message in BEYOND_A_SCHEMA
    )


@schemathesis.check
def what_the_document_allows_is_accepted(ctx, response, case):
    meta = case.meta
    if meta is None or meta.generation.mode != GenerationMode.POSITIVE:
        return
    if response.status_code not in (400, 413, 415, 422):
        return
    if any(str(value) == "None" for value in (case.path_parameters or {}).values()):
        return  # a null of an answer that schemathesis took for an id
    answer = response.json()
    if answer["code"] == "malformed_request" and "NUL" in answer["error"]:
        return  # no schema says that a string is without it
    assert answer["code"] == "validation_error", answer
    unsaid = [field for field in answer["details"]["fields"] if not is_beyond_a_schema(field)]
    assert not unsaid, f"the document allows what is refused: {unsaid}"
