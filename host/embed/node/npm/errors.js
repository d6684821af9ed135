'use strict';

// What is thrown. Each has a `code` to act on; texts are for people.

/** Whatever Gatewit throws. */
class GatewitError extends Error {
  constructor(code, message, options) {
    super(message, options);
    this.code = code;
  }

  get name() {
    return this.constructor.name;
  }
}

/** Settings cannot be used. `setting` is the first one, `problems` are all. */
class ConfigurationError extends GatewitError {
  constructor({ code, message, setting, problems }) {
    super(code, message);
    this.setting = setting ?? undefined;
    this.problems = problems.map((problem) => ({ setting: problem.setting ?? undefined, message: problem.message }));
  }
}

/** The server cannot start, for a reason outside of its settings. */
class StartError extends GatewitError {}

/** The rules refuse. The message may be told to whoever asked. */
class RefusedError extends GatewitError {
  constructor({ code, message, status, retry_after_ms: retryAfterMs }) {
    super(code, message);
    this.status = status;
    this.retryAfterMs = retryAfterMs ?? undefined;
  }
}

/** A call came after `close()`. */
class ClosedError extends GatewitError {
  constructor() {
    super('CLOSED', 'this Gatewit is closed');
  }
}

/** The error that the native part tells of as JSON. */
function errorOf(json) {
  const problem = JSON.parse(json);
  switch (problem.kind) {
    case 'configuration':
      return new ConfigurationError(problem);
    case 'start':
      return new StartError(problem.code, problem.message);
    case 'refused':
      return new RefusedError(problem);
    default:
      return Object.assign(new TypeError(problem.message), { code: problem.code });
  }
}

module.exports = { GatewitError, ConfigurationError, StartError, RefusedError, ClosedError, errorOf };
