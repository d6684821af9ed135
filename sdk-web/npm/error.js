// The one kind of error: what to do about it is `code`.

export class AuthError extends Error {
  constructor({ code, message, status = 0, retryAfter, extensions = {} }) {
    super(message || code);
    this.name = 'AuthError';
    this.code = code;
    this.status = status;
    this.retryAfter = retryAfter;
    this.extensions = extensions;
  }
}

/** An error of the SDK's own. */
export const failed = (code, message) => new AuthError({ code, message });
