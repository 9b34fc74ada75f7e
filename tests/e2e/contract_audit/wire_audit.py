"""Section 2 and 7 of the contract, what holds for every call: paths, methods, prefixes, request
ids, sizes, JSON as it is written, and which complaint comes first."""

import json

from audit import NO_TASK, NO_WORKER, Audit

ROUTES = {
    "/tasks": {"GET", "POST"},
    "/tasks/batch": {"POST"},
    "/tasks/stats": {"GET"},
    f"/tasks/{NO_TASK}": {"GET", "DELETE"},
    f"/tasks/{NO_TASK}/cancel": {"POST"},
    f"/tasks/{NO_TASK}/logs": {"GET"},
    f"/tasks/{NO_TASK}/trajectory": {"GET"},
    f"/tasks/{NO_TASK}/events": {"GET"},
    "/workers/register": {"POST"},
    "/workers/heartbeat": {"POST"},
    "/workers": {"GET"},
    f"/workers/{NO_WORKER}": {"GET"},
    f"/workers/{NO_WORKER}/stats": {"GET"},
    f"/workers/{NO_WORKER}/claim": {"POST"},
    f"/workers/{NO_WORKER}/tasks/{NO_TASK}/events": {"POST"},
    f"/workers/{NO_WORKER}/tasks/{NO_TASK}/complete": {"POST"},
    f"/workers/{NO_WORKER}/tasks/{NO_TASK}/fail": {"POST"},
    "/workers/internal/status": {"GET"},
    "/workers/internal/scale": {"POST"},
    "/workers/internal/start": {"POST"},
    "/workers/internal/stop": {"POST"},
    "/trajectories": {"GET"},
    "/health": {"GET"},
    "/live": {"GET"},
    "/ready": {"GET"},
    "/metrics": {"GET"},
    "/openapi.json": {"GET"},
    "/docs": {"GET"},
}
PREFIXES = ("", "/api/v1")


def allowed(headers):
    return {word.strip() for word in headers["Allow"].split(",")}


class Paths(Audit):
    def test_options_answers_204_with_allow_on_every_path(self):
        for prefix in PREFIXES:
            for path, methods in ROUTES.items():
                status, headers, _ = self.call("OPTIONS", prefix + path)
                self.assertEqual(status, 204, path)
                wanted = methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
                self.assertEqual(allowed(headers), wanted, path)

    def test_another_method_is_405_with_allow_in_the_error_form(self):
        for prefix in PREFIXES:
            for path, methods in ROUTES.items():
                for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - methods:
                    status, headers, answer = self.call(method, prefix + path)
                    self.assertEqual(status, 405, f"{method} {path}")
                    self.assertLessEqual(methods, allowed(headers), path)
                    self.assertEqual(answer["code"], "method_not_allowed", path)
                    self.assertIn("details", answer)

    def test_head_is_served_wherever_get_is_without_a_body(self):
        for prefix in PREFIXES:
            for path, methods in ROUTES.items():
                if "GET" not in methods:
                    continue
                head = f"HEAD {prefix}{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                status, headers, body = self.raw(head.encode(), wait_for_close=True)
                wanted = self.call("GET", prefix + path)[0]
                self.assertEqual((status, body), (wanted, b""), path)
                self.assertIn("x-request-id", headers)

    def test_every_path_answers_at_the_root_and_under_api_v1(self):
        for path, methods in ROUTES.items():
            if "GET" in methods:
                statuses = {self.call("GET", prefix + path)[0] for prefix in PREFIXES}
                self.assertEqual(len(statuses), 1, path)

    def test_an_unknown_path_is_404_in_the_error_form_whatever_the_method(self):
        for path in ("/", "/nowhere", "/api", "/api/v1", "/api/v2/tasks", "/tasks/a/b/c", "//tasks"):
            for method in ("GET", "POST", "DELETE", "PUT", "OPTIONS"):
                self.refused(404, "not_found", method, path)

    def test_every_answer_has_the_clients_request_id_if_it_is_sane(self):
        for path in ("/live", "/nowhere", "/tasks/no-uuid", "/metrics"):
            for sane in ("a", "A-1_b.c", "x" * 128):
                headers = self.call("GET", path, None, {"X-Request-ID": sane})[1]
                self.assertEqual(headers["X-Request-ID"], sane)
            for other in ("", "x" * 129, "a b", "a/b", "ä", "a,b"):
                sent = {"X-Request-ID": other.encode("utf-8")}
                given = self.call("GET", path, None, sent)[1]["X-Request-ID"]
                self.assertNotEqual(given, other)
                self.assertRegex(given, r"^[A-Za-z0-9._-]{1,128}$")

    def test_unknown_query_parameters_are_refused_on_every_path(self):
        for path, methods in ROUTES.items():
            if path.endswith(f"/tasks/{NO_TASK}/events"):
                path = path.replace(NO_TASK, self.submit()["id"])
            for method in methods:
                body = None if method == "GET" else {}
                status, _, answer = self.call(method, path + "?colour=red", body)
                self.assertEqual(status, 400, f"{method} {path} {answer}")
                named = [field["field"] for field in answer["details"]["fields"]]
                self.assertIn("colour", named, f"{method} {path}")


class Sizes(Audit):
    def test_a_url_over_8_kib_is_414_and_one_of_100_kb_too(self):
        self.expect(400, "GET", "/tasks/" + "a" * (8192 - 7))
        for length in (8193, 10_000, 60_000, 100_000, 1_000_000):
            self.refused(414, "uri_too_long", "GET", "/tasks/" + "a" * (length - 7))
        self.refused(414, "uri_too_long", "GET", "/tasks?x=" + "a" * 9000)

    def test_a_header_block_over_64_kib_is_431(self):
        self.expect(200, "GET", "/live", None, {"X-Big": "a" * 60_000})
        self.refused(431, "headers_too_large", "GET", "/live", None, {"X-Big": "a" * 66_000})
        many = {f"X-{i}": "a" * 1000 for i in range(80)}
        self.refused(431, "headers_too_large", "GET", "/live", None, many)

    def test_a_body_over_8_mib_is_413_and_one_of_8_mib_is_read(self):
        empty = b'{"problem_id":"p","metadata":{"x":""}}'
        exact = empty.replace(b'""', b'"' + b"a" * ((8 << 20) - len(empty)) + b'"')
        self.assertEqual(len(exact), 8 << 20)
        self.expect(201, "POST", "/tasks", exact)
        for extra in (1, 1 << 20):
            self.refused(413, "body_too_large", "POST", "/tasks", exact + b" " * extra)
        head = b"POST /tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        status, _, body = self.raw(head + b"Content-Length: 99999999999\r\n\r\n")
        self.assertEqual((status, json.loads(body)["code"]), (413, "body_too_large"))

    def test_a_chunked_body_is_read_and_held_to_the_same_limit(self):
        head = (
            b"POST /tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        )
        text = b'{"problem_id":"p"}'
        status, _, _ = self.raw(head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(text), text))
        self.assertEqual(status, 201)
        chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        self.assertEqual(self.raw(head + chunk * 9 + b"0\r\n\r\n")[0], 413)


class Json(Audit):
    def malformed(self, body, path="/tasks"):
        self.refused(400, "malformed_json", "POST", path, body)

    def test_what_is_no_json_is_malformed_json(self):
        before = self.call("GET", "/tasks?limit=1")[2]["total"]
        for body in (
            b"{", b"}", b"{'problem_id':'p'}", b'{"problem_id":"p",}', b'{"problem_id":"p"} x',
            b'{"problem_id":NaN}', b'{"metadata":{"x":Infinity}}', b"// c\n{}", b'{"a":01}',
            b'{"problem_id":"\x01"}', b'{"problem_id":"p","metadata":{"x":1e400}}', b" ",
            b'\xef\xbb\xbf{"problem_id":', b"nul", b'"abc', b'{"problem_id":"\\x41"}',
        ):
            self.malformed(body)
        self.assertEqual(self.call("GET", "/tasks?limit=1")[2]["total"], before)

    def test_text_that_cannot_be_decoded_is_malformed_json(self):
        for text in (
            b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\\ud800",
            b"\\udc00", b"\\ud800x", b"\\ud800\\ud800", b"\\udc00\\ud800",
        ):
            self.malformed(b'{"problem_id":"' + text + b'"}')
            self.malformed(b'{"problem_id":"p","metadata":{"' + text + b'":1}}')

    def test_duplicate_keys_are_malformed_json_at_any_depth(self):
        self.malformed(b'{"problem_id":"p","problem_id":"p"}')
        self.malformed(b'{"problem_id":"p","metadata":{"a":[{"b":1,"b":1}]}}')
        self.malformed(b'{"problem_id":"p","problem_\\u0069d":"q"}')
        self.malformed(b'{"tasks":[{"problem_id":"p","priority":1,"priority":2}]}', "/tasks/batch")

    def test_a_nul_is_a_validation_error_that_names_the_field(self):
        cases = {
            b'{"problem_id":"a\\u0000"}': "/problem_id",
            b'{"problem_id":"p","group_id":"\\u0000"}': "/group_id",
            b'{"problem_id":"p","callback_url":"http://a/\\u0000"}': "/callback_url",
            b'{"problem_id":"p","backend_type":"a\\u0000"}': "/backend_type",
            b'{"problem_id":"p","metadata":{"a":["\\u0000"]}}': "/metadata/a/0",
            b'{"problem_id":"p","agent_config":{"x":{"y":"\\u0000"}}}': "/agent_config/x/y",
            b'{"problem_id":"p","agent_config":{"model":"\\u0000"}}': "/agent_config/model",
        }
        for body, field in cases.items():
            self.invalid([field], "POST", "/tasks", body)

    def test_json_that_is_no_object_is_a_validation_error_at_the_root(self):
        worker, task = f"/workers/{NO_WORKER}", f"/workers/{NO_WORKER}/tasks/{NO_TASK}"
        for path in (
            "/tasks", "/tasks/batch", "/workers/register", "/workers/heartbeat", f"{worker}/claim",
            f"{task}/events", f"{task}/complete", f"{task}/fail", "/workers/internal/scale",
        ):
            for body in (b"[]", b"1", b'"x"', b"null", b"true"):
                self.invalid([""], "POST", path, body)

    def test_64_levels_are_read_and_65_refused(self):
        # the body itself is the first level, metadata the second
        deep = b'{"problem_id":"p","metadata":{"x":%s}}'
        self.expect(201, "POST", "/tasks", deep % (b"[" * 62 + b"]" * 62))
        self.refused(400, "malformed_json", "POST", "/tasks", deep % (b"[" * 63 + b"]" * 63))
        self.refused(400, "malformed_json", "POST", "/tasks", b"[" * 1_000_000)
        self.refused(400, "malformed_json", "POST", "/tasks", b'{"a":' * 1_000_000)


class Order(Audit):
    def test_a_path_that_is_not_there_comes_before_everything(self):
        text = {"Content-Type": "text/plain"}
        self.refused(404, "not_found", "POST", "/nowhere?x=1", b"{", text)
        self.refused(405, "method_not_allowed", "PUT", "/tasks?x=1", b"{", text)

    def test_the_content_type_is_looked_at_before_the_body(self):
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx", "json",
                     "application/json; charset=latin1"):
            for body in (b"{", b"{}", b'{"problem_id":"p"}'):
                self.refused(415, "unsupported_media_type", "POST", "/tasks", body,
                             {"Content-Type": kind})
        for kind in ("application/json", "Application/JSON; charset=UTF-8", "application/json;x=y"):
            self.expect(201, "POST", "/tasks", b'{"problem_id":"p"}', {"Content-Type": kind})

    def test_a_bad_request_is_400_even_where_task_and_worker_are_unknown(self):
        path = f"/workers/{NO_WORKER}/tasks/{NO_TASK}"
        self.invalid(["/attempt", "/result"], "POST", f"{path}/complete", {})
        self.invalid(["/max"], "POST", f"/workers/{NO_WORKER}/claim", {"max": 0})
        self.refused(404, "not_found", "POST", f"/workers/{NO_WORKER}/claim", {})
        self.invalid(["limit"], "GET", f"/tasks/{NO_TASK}/logs?limit=0")
        self.refused(404, "not_found", "GET", f"/tasks/{NO_TASK}/logs")

    def test_query_and_body_are_judged_together(self):
        self.invalid(["colour", "/problem_id", "/max_steps"], "POST", "/tasks?colour=red",
                     {"max_steps": 0})

    def test_text_in_a_query_that_is_no_text_is_400(self):
        self.invalid(["problem_id"], "GET", "/tasks?problem_id=%00")
        self.invalid(["group_id"], "GET", "/tasks?group_id=a%FFb")
        self.invalid(["group_id", "problem_id"], "GET", "/tasks?problem_id=%00&group_id=%FF")
        for target in ("/tasks/a%00b", "/tasks/%FF", "/tasks?problem_id=%zz", "/tasks/%"):
            self.expect(400, "GET", target)
