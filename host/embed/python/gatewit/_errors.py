"""What is raised. Each has a `code` to act on; texts are for people."""

import json


class GatewitError(Exception):
    """Whatever Gatewit raises."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class ConfigurationError(GatewitError):
    """Settings cannot be used. `setting` is the first one, `problems` are all."""

    def __init__(self, problem):
        super().__init__(problem["code"], problem["message"])
        self.setting, self.problems = problem["setting"], problem["problems"]


class StartError(GatewitError):
    """The server cannot start, for a reason outside of its settings."""


class RefusedError(GatewitError):
    """The rules refuse. The message may be told to whoever asked."""

    def __init__(self, problem):
        super().__init__(problem["code"], problem["message"])
        self.status = problem["status"]
        retry_after = problem["retry_after_ms"]
        self.retry_after = None if retry_after is None else retry_after / 1000


class ClosedError(GatewitError):
    """A call came after `close()`."""

    def __init__(self):
        super().__init__("CLOSED", "this Gatewit is closed")


def error_of(text):
    """The error that the native part tells of as JSON."""
    problem = json.loads(text)
    if problem["kind"] == "configuration":
        return ConfigurationError(problem)
    if problem["kind"] == "refused":
        return RefusedError(problem)
    if problem["kind"] == "start":
        return StartError(problem["code"], problem["message"])
    error = ValueError(problem["message"])
    error.code = problem["code"]
    return error
