'use strict';

// Requests of node:http, and of what is built on it, to the server and back. Bodies are read no further than the server
// would; whoever goes away is answered no more.

const hasBody = ({ method }) => method !== 'GET' && method !== 'HEAD';

/** Reads the body of a request, and one byte more than `limit` at most: enough for the server to refuse it. */
function readBody(request, limit) {
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

function send(response, status, headers, body, isWhole) {
  if (response.destroyed || response.headersSent) return;
  // The rest of a body that is too long is not waited for.
  const flat = isWhole ? [] : ['connection', 'close'];
  for (let start = 0, end; start < headers.length; start = end + 1) {
    const colon = headers.indexOf(':', start);
    end = headers.indexOf('\n', colon);
    flat.push(headers.slice(start, colon), headers.slice(colon + 1, end));
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

  /** Takes one from the server: the status, and lines of headers and the body with a letter for each byte. */
  told = (number, status, headers, body) => {
    const settle = this.#asked.get(number);
    this.#asked.delete(number);
    if (this.#asked.size === 0) this.#stay.unref();
    settle(status, headers, body);
  };

  /** Has `settle` called with the one that is told under the number with which it `asks`. */
  wait(ask, settle) {
    this.#last = (this.#last + 1) % 2 ** 32;
    ask(this.#last);
    if (this.#asked.size === 0) this.#stay.ref();
    this.#asked.set(this.#last, settle);
  }

  /** Nothing is told any more. */
  end() {
    clearInterval(this.#stay);
  }
}

/** Answers one request; never throws. */
function answer(server, replies, limit, request, response) {
  const fail = () => {
    if (request.destroyed || response.headersSent) {
      // The client went away, or somebody else has begun to answer.
      response.destroy();
    } else {
      response.writeHead(500).end();
    }
  };
  const tell = (isWhole) => (status, headers, body) => {
    try {
      send(response, status, headers, body, isWhole);
    } catch {
      fail();
    }
  };
  try {
    const { method, url } = request;
    // What was read before is told by how it is now.
    const headers = lines(request);
    const peer = request.socket.remoteAddress;
    const ask = (body) => replies.wait(
      (number) => server.answer(number, method, url, headers, body, peer),
      tell(!body || body.length <= limit),
    );
    if (hasBody(request)) readBody(request, limit).then(ask).catch(fail);
    else ask();
  } catch {
    fail();
  }
}

module.exports = { Replies, answer };
