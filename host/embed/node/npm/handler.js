'use strict';

// Requests of node:http, and of what is built on it, to the server and back. Bodies are read no further than the server
// would; whoever goes away is answered no more.

/** Reads the body of a request, and one byte more than `limit` at most: enough for the server to refuse it. */
function readBody(request, limit) {
  if (request.method === 'GET' || request.method === 'HEAD') return Promise.resolve(undefined);
  // Middleware before us has read it: a parser of Express leaves what it made of it.
  if (request.readableEnded) return Promise.resolve(bodyAgain(request));
  if (request.destroyed) return Promise.reject(new Error('the client went away'));
  return new Promise((resolve, reject) => {
    const parts = [];
    let length = 0;
    const end = (settle, value) => {
      request.off('data', take).off('end', whole).off('error', broken).off('close', gone);
      settle(value);
    };
    const whole = () => end(resolve, Buffer.concat(parts));
    const broken = (error) => end(reject, error);
    const gone = () => end(reject, new Error('the client went away'));
    const take = (part) => {
      parts.push(part);
      length += part.length;
      if (length > limit) {
        request.pause();
        end(resolve, Buffer.concat(parts).subarray(0, limit + 1));
      }
    };
    request.on('data', take).on('end', whole).on('error', broken).on('close', gone);
  });
}

function bodyAgain({ body, headers }) {
  if (body === undefined || body === null) return undefined;
  if (Buffer.isBuffer(body) || typeof body === 'string') return Buffer.from(body);
  const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded');
  return Buffer.from(isForm ? new URLSearchParams(body).toString() : JSON.stringify(body));
}

/** Headers as lines of bytes, without those that only concern the connection or a body that was read already. */
function lines({ rawHeaders, readableEnded }) {
  let text = '';
  for (let place = 0; place < rawHeaders.length; place += 2) {
    const name = rawHeaders[place].toLowerCase();
    const isOfBody = readableEnded && (name === 'content-length' || name === 'content-encoding');
    const isOfConnection = name === 'transfer-encoding' || name === 'connection';
    if (!isOfBody && !isOfConnection) text += `${name}:${rawHeaders[place + 1]}\n`;
  }
  return Buffer.from(text, 'latin1');
}

function send(response, { status, headers, body }, isWhole) {
  if (response.destroyed || response.headersSent) return;
  // The rest of a body that is too long is not waited for.
  const flat = isWhole ? [] : ['connection', 'close'];
  for (const line of headers.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) flat.push(line.slice(0, colon), line.slice(colon + 1));
  }
  if (response.getHeaderNames().length === 0) {
    response.writeHead(status, flat);
  } else {
    // Beside what middleware has set.
    response.statusCode = status;
    for (let place = 0; place < flat.length; place += 2) response.appendHeader(flat[place], flat[place + 1]);
  }
  response.end(body, 'latin1');
}

/** Answers that are waited for. While there are any the process stays, which is all that the timer is for. */
class Replies {
  #asked = new Map();
  #last = 0;
  #stay = setInterval(() => {}, 2 ** 31 - 1).unref();

  /** Takes those that are there from the server: of each the number, the status, lines of headers and the body, bytes as letters. */
  told = (replies) => {
    for (let place = 0; place < replies.length; place += 4) {
      const settle = this.#asked.get(replies[place]);
      this.#asked.delete(replies[place]);
      settle({ status: replies[place + 1], headers: replies[place + 2], body: replies[place + 3] });
    }
    if (this.#asked.size === 0) this.#stay.unref();
  };

  /** Waits for the one that is told under the number with which it `asks`. */
  wait(ask) {
    return new Promise((resolve) => {
      this.#last = (this.#last + 1) % 2 ** 32;
      ask(this.#last);
      if (this.#asked.size === 0) this.#stay.ref();
      this.#asked.set(this.#last, resolve);
    });
  }

  /** Nothing is told any more. */
  end() {
    clearInterval(this.#stay);
  }
}

/** Answers one request; never throws. */
async function answer(server, replies, limit, request, response) {
  try {
    // What was read before is told by how it is now.
    const headers = lines(request);
    const body = await readBody(request, limit);
    const peer = request.socket.remoteAddress;
    const { method, url } = request;
    const reply = await replies.wait((number) => server.answer(number, method, url, headers, body, peer));
    send(response, reply, !body || body.length <= limit);
  } catch {
    if (request.destroyed || response.headersSent) {
      // The client went away, or somebody else has begun to answer.
      response.destroy();
    } else {
      response.writeHead(500).end();
    }
  }
}

module.exports = { Replies, answer };
