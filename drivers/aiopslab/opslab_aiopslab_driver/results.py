"""AIOpsLab's results as success and reward: each task type says it in its own way."""

import dataclasses

from opslab_aiopslab_driver.failures import EvaluationFailure

TASK_TYPES = ("detection", "localization", "analysis", "mitigation")
DURATIONS = {"detection": "TTD", "localization": "TTL", "analysis": "TTA", "mitigation": "TTM"}


@dataclasses.dataclass(frozen=True)
class Verdict:
    success: bool
    score: float  # 0 to 1, with part of the credit where AIOpsLab gives some

    @property
    def reward(self):
        return 1.0 if self.success else 0.0


def task_type_of(problem, problem_id=""):
    """By the class that the problem derives from; a foreign class by its id."""
    names = {cls.__name__ for cls in type(problem).__mro__}
    for task_type in TASK_TYPES:
        if f"{task_type.capitalize()}Task" in names:
            return task_type
    return next((task_type for task_type in TASK_TYPES if task_type in problem_id), "unknown")


def judge(task_type, results):
    """Raises EvaluationFailure where the results hold no verdict: that is no wrong answer."""
    if not isinstance(results, dict):
        raise EvaluationFailure("AIOpsLab gave no results")
    accuracy = results.get("Localization Accuracy")
    if task_type == "detection" and "Detection Accuracy" in results:
        success = results["Detection Accuracy"] == "Correct"
        return Verdict(success, float(success))
    if task_type == "localization" and isinstance(accuracy, (int, float)):
        success = bool(results.get("success", accuracy >= 100))
        return Verdict(success, min(max(float(accuracy) / 100, 0.0), 1.0))
    if "success" in results:
        success = bool(results["success"])
        parts = [results.get("system_level_correct"), results.get("fault_type_correct")]
        if task_type == "analysis" and None not in parts:
            return Verdict(success, sum(map(bool, parts)) / 2)
        return Verdict(success, float(success))
    raise EvaluationFailure(f"AIOpsLab's results hold no verdict: {sorted(results)}")


def well_formed(task_type, solution):
    """Whether a submitted solution has the form that AIOpsLab's evaluation expects."""
    if task_type == "detection":
        return isinstance(solution, str)
    if task_type == "localization":
        return isinstance(solution, list) and all(isinstance(item, str) for item in solution)
    if task_type == "analysis":
        return isinstance(solution, dict) and all(
            isinstance(solution.get(key, ""), str) for key in ("system_level", "fault_type")
        )
    return True


# what Python raises over a value of another type than expected
SHAPE_ERRORS = (TypeError, AttributeError, ValueError, LookupError, ArithmeticError)


def failed_results(task_type, partial, duration):
    """The results of an answer that the evaluation could not even read: a wrong answer."""
    results = {**partial, "success": False}
    if task_type == "detection":
        results["Detection Accuracy"] = "Invalid Format"
    elif task_type == "localization":
        results.update({"Localization Accuracy": 0.0, "is_subset": False})
    elif task_type == "analysis":
        results.update({"system_level_correct": False, "fault_type_correct": False})
    if task_type in DURATIONS:
        results.setdefault(DURATIONS[task_type], duration)
    return results


def metrics(results):
    return {
        key: value
        for key, value in results.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }
