"""A cluster is clean only where the recovery of the fault was seen to work: AIOpsLab's raises next to nothing."""

import types
import unittest

from driver_run import played

from opslab_aiopslab_driver import cluster_baseline
from opslab_aiopslab_driver.command_watch import ApiCall, Command

GONE = 'Error from server (NotFound): pods "mongodb-geo-1" not found'
EXEC = "kubectl exec -it mongodb-geo-1 -- /bin/bash /scripts/revoke-mitigate-admin-geo-mongo.sh"
MITIGATE = "kubectl exec -it mongodb-geo-1 -- /bin/bash /scripts/revoke-mitigate"


def scripted(*actions):
    return {"agent": "scripted", "actions": [*actions, 'submit("No")']}


class Clean(unittest.TestCase):
    def assert_clean(self, run, recoveries=1):
        self.assertEqual(len(run.of("result")), 1)
        self.assertEqual((run.events[-1], run.code), ({"type": "clean"}, 0), run.logs())
        self.assertEqual(run.journal().count("recover"), recoveries)

    def assert_dirty(self, run, words):
        self.assertEqual((len(run.of("result")), run.of("error"), run.of("clean")), (1, [], []))
        self.assertIn(words, run.logs())
        self.assertIn("cleanup", run.journal(), "the rest is done all the same")
        self.assertEqual(run.code, 1)

    def test_a_recovery_that_works_is_one(self):
        for fault in ("chaos", "database", "service"):
            with self.subTest(fault):
                self.assert_clean(played({"fault": fault}))

    def test_a_command_that_fails_is_no_recovery(self):
        run = played({"fault": "database", "fails": {MITIGATE: "error: unable to upgrade connection"}})
        self.assert_dirty(run, "unable to upgrade connection")
        self.assertEqual(run.journal().count("recover"), 3)

    def test_one_that_works_when_it_is_tried_again_is(self):
        run = played({"fault": "database", "fails": {MITIGATE: ["error: container not found", 1]}})
        self.assert_clean(run, recoveries=2)
        self.assertIn("container not found", run.logs())

    def test_a_pod_that_the_agent_took_away_is_no_recovery(self):
        for left in ("", "'geo-1'", "'mongo-geo-1', 'geo-1'"):
            with self.subTest(left):
                run = played({"fault": "database"}, agent_config=scripted(f"change_pods({left})"))
                self.assert_dirty(run, "the fault is not recovered")

    def test_a_refusal_by_the_api_that_aiopslab_swallows_is_no_recovery(self):
        for status in (404, 409, 500):
            run = played({"fault": "service", "recovers": "none"})
            self.assert_dirty(run, "the recovery changed nothing")
            run = played({"fault": "chaos", "recovers": "service", "api": {"PATCH user-service": status}})
            self.assert_dirty(run, f"was answered {status}")

    def test_a_delete_of_what_is_gone_already_is_a_recovery(self):
        self.assert_clean(played({"fails": {"kubectl delete -f": GONE}}))

    def test_a_delete_that_fails_for_another_reason_is_none(self):
        no_crd = 'error: resource mapping not found: no matches for kind "PodChaos"'
        self.assert_dirty(played({"fails": {"kubectl delete -f": no_crd}}), "no matches for kind")

    def test_an_agent_that_breaks_is_told_although_the_recovery_fails(self):
        run = played({"raise_in": "recover"}, agent_config={"agent": "raising"})
        (error,) = run.of("error")
        self.assertEqual((error["kind"], error["phase"]), ("task", "loop"))
        self.assertIn("a bug of the agent", error["message"])
        self.assertEqual(run.of("clean"), [])


class AFaultThatIsNotIn(unittest.TestCase):
    def test_a_problem_without_its_fault_is_not_played(self):
        away = "Unable to connect to the server: EOF"
        for plan, words in (
            ({"fault": "chaos", "fails": {"kubectl apply -f": away}}, "kubectl apply -f"),
            ({"fault": "database", "fails": {"kubectl exec": away}}, "kubectl exec"),
            ({"fault": "service", "api": {"PATCH user-service": 503}}, "was answered 503"),
            ({"fault": "release", "fails": {"helm upgrade": "UPGRADE FAILED"}}, "helm upgrade"),
        ):
            with self.subTest(plan):
                run = played(plan)
                self.assertEqual((run.of("result"), run.of("step")), ([], []))
                (error,) = run.of("error")
                self.assertEqual((error["kind"], error["phase"]), ("infrastructure", "setup"))
                self.assertIn("the fault could not be put in", error["message"])
                self.assertIn(words, error["message"])

    def test_a_pod_that_went_by_itself_is_no_failure(self):
        run = played({"fault": "database", "fails": {"kubectl delete pod": [GONE, 1]}})
        self.assertEqual((run.events[-1], run.code), ({"type": "clean"}, 0))


class WhatFails(unittest.TestCase):
    def command(self, words, code, err="", out=""):
        return Command(words, code, out.encode(), err.encode()).failed

    def test_a_command_of_a_recovery(self):
        pvs = "kubectl get pv --no-headers | grep 'test-hotel-reservation' | awk '{print $1}'"
        finalizers = """kubectl patch pv x -p '{"metadata":{"finalizers":null}}'"""
        away = "Unable to connect to the server: EOF"
        for words, code, err, failed in (
            ("kubectl scale deployment user-service --replicas=1 -n a", 0, "", False),
            ("kubectl scale deployment user-service --replicas=1 -n a", 1, GONE, True),
            ("kubectl delete pod geo-1 -n a", 1, GONE, False),
            ("kubectl delete pod geo-1 -n a", 1, away, True),
            ("kubectl delete -f /tmp/x.yaml", 1, 'error: the path "/tmp/x.yaml" does not exist', True),
            (EXEC, 0, "Unable to use a TTY - input is not a terminal", False),
            (EXEC, 1, GONE, True),
            (pvs, 0, "", False),
            (pvs, 0, away, True),
            (pvs, 127, "sh: kubectl: not found", True),
            (finalizers, 1, GONE, False),
            (finalizers, 1, away, True),
            ("kubectl get pvc x --ignore-not-found", 0, "", False),
            ("kubectl get namespace x", 1, GONE, False),
            (["helm", "upgrade", "social-network", "/a/chart"], 1, "", True),
            (["helm", "upgrade", "social-network", "/a/chart"], 0, "WARNING: old", False),
            ("kubectl rollout restart deployment x", -9, "", True),
        ):
            with self.subTest(words=words, err=err):
                self.assertEqual(self.command(words, code, err), failed)

    def test_a_script_that_ends_well_whatever_its_database_said(self):
        refused = "uncaught exception: Error: Authentication failed. :\nPrivilege restored successfully"
        there = 'uncaught exception: Error: couldn\'t add user: User "admin@admin" already exists :'
        self.assertTrue(self.command(EXEC, 0, out=refused))
        self.assertFalse(self.command(EXEC, 0, out=there), "the agent had added it")

    def test_a_call_of_the_api(self):
        for method, status, failed in (
            ("PATCH", 200, False),
            ("PATCH", 404, True),
            ("DELETE", 404, False),
            ("DELETE", 500, True),
            ("GET", 404, False),
            ("GET", 503, True),
            ("PUT", 0, True),
        ):
            with self.subTest(method=method, status=status):
                self.assertEqual(ApiCall(method, "/x", status).failed, failed)


class WhatAnAgentChanged(unittest.TestCase):
    def cluster(self, *nodes, namespaces=("app",)):
        def named(name, **more):
            return types.SimpleNamespace(metadata=types.SimpleNamespace(name=name, **more))

        def node(name, labels=None, taints=None, cordon=None):
            made = named(name, labels=labels)
            taints = [types.SimpleNamespace(key=key, effect="NoSchedule") for key in taints or []]
            made.spec = types.SimpleNamespace(taints=taints or None, unschedulable=cordon)
            return made

        listed = types.SimpleNamespace(items=[node(*words) for words in nodes])
        return cluster_baseline.take(
            types.SimpleNamespace(
                list_namespaces=lambda: types.SimpleNamespace(items=[named(n) for n in namespaces]),
                core_v1_api=types.SimpleNamespace(list_node=lambda: listed),
            )
        )

    def test_a_node_that_is_another(self):
        was = self.cluster(("a", {"kubernetes.io/hostname": "a", "x": "1"}))
        for nodes, found in (
            ([("a", {"kubernetes.io/hostname": "a", "x": "2"})], []),
            ([("a", {"x": "1"})], ["other labels of the node a"]),
            ([("a", {"kubernetes.io/hostname": "a"}, ["full"])], ["other taints of the node a"]),
            ([("a", {"kubernetes.io/hostname": "a"}, [], True)], ["other scheduling of the node a"]),
            ([], ["a node less: a"]),
        ):
            with self.subTest(nodes):
                self.assertEqual(cluster_baseline.changes(was, self.cluster(*nodes)), found)

    def test_a_namespace_more_but_not_one_less(self):
        was = self.cluster(namespaces=("app", "openebs"))
        now = self.cluster(namespaces=("app", "mine"))
        self.assertEqual(cluster_baseline.changes(was, now), ["the namespace mine, of the agent"])


if __name__ == "__main__":
    unittest.main()
