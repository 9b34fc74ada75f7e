import json
import pathlib
import time
import uuid


class SessionItem:
    def __init__(self, role, content):
        if not isinstance(content, (str, int)):
            raise ValueError(f"validation error: content is {type(content).__name__}")
        self.role, self.content = role, str(content)

    def model_dump(self):
        return {"role": self.role, "content": self.content}

    def model_copy(self, update):
        return SessionItem(self.role, update.get("content", self.content))


class Session:
    def __init__(self, results_dir=None):
        self.session_id = uuid.uuid4()
        self.pid = self.problem = self.solution = self.agent_name = None
        self.results, self.history = {}, []
        self.start_time = self.end_time = None
        self.results_dir = results_dir

    def set_problem(self, problem, pid=None):
        self.problem, self.pid = problem, pid

    def set_agent(self, agent_name):
        self.agent_name = agent_name

    def set_solution(self, solution):
        self.solution = solution

    def set_results(self, results):
        self.results = results

    def add(self, item):
        if item:
            content = getattr(item["content"], "value", item["content"])
            self.history.append(SessionItem(item["role"], content))

    def start(self):
        self.start_time = time.time()

    def end(self):
        self.end_time = time.time()

    def get_duration(self):
        return self.end_time - self.start_time

    def to_json(self):
        assert isinstance(self.results_dir, pathlib.Path)
        trace = [item.model_dump() for item in self.history]
        (self.results_dir / f"{self.session_id}.json").write_text(json.dumps(trace))
