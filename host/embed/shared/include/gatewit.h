/* Gatewit as a C library. Written by `cargo just header` from `host/embed/shared/src/abi.rs`; do not change it by hand. */

#ifndef GATEWIT_H
#define GATEWIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A server. It is never looked into.
typedef struct gatewit gatewit;

// Rules
//
// Threads: every function may be called from any thread, several at once. Functions that are given as `done` or `send` are called
// on threads of the library, `done` exactly once; that of `gatewit_answer_here` may be called on the thread that calls it, before it
// returns. They must return soon, must not throw or jump out, and may call the library.
//
// Pointers: a `gatewit_slice` that is handed over, in either direction, is good until the call that it is handed over in returns;
// whoever needs it longer copies it. A slice of length 0 may have any start. A `context` is handed back as it was and never
// looked at. A server is good from the call of `done` that hands it over until `gatewit_free`; nothing may be asked of it
// afterwards. NULL for a server is a call that does nothing but tell a problem, where there is somebody to tell.
//
// Texts are UTF-8 and have no NUL at their end. Problems are JSON objects with `kind`, `code` and `message`. Of the kind
// `configuration`, `setting` is the name of the first setting that is wrong and `problems` are all of them; of the kind `refused`,
// `code` is the one of the wire, `status` the one that HTTP would have, and `retry_after_ms` may say when to come back; `start`,
// `usage` and `cancelled` are what the names say.


// Bytes.
typedef struct {
  const uint8_t *start;
  size_t length;
} gatewit_slice;

// Called with a letter as a JSON object (`id`, `recipient`, `subject`, `links`, `message`) and the number under which
// `gatewit_sent` is to say what became of it. NULL if letters go out as the settings say.
typedef void (*gatewit_send)(void *context, uint32_t number, gatewit_slice letter);

// Called with a server and its facts, or with NULL and a problem. The facts are a JSON object: `warnings` about settings, the
// `first_admin` if one was made (its `password` is nowhere else), and `body_limit` in bytes.
typedef void (*gatewit_started)(void *context, const gatewit *server, gatewit_slice told);

// A request. `target` is path and query; `headers` are lines as HTTP has them, `name: value` with a line feed after each;
// `peer` is the address of the client, or empty.
typedef struct {
  gatewit_slice method;
  gatewit_slice target;
  gatewit_slice headers;
  gatewit_slice body;
  gatewit_slice peer;
} gatewit_request;

// Called with an answer; `headers` are lines as in a request.
typedef void (*gatewit_replied)(void *context,
                                uint16_t status,
                                gatewit_slice headers,
                                gatewit_slice body);

// Called with an answer as JSON, or with a problem.
typedef void (*gatewit_told)(void *context, bool is_good, gatewit_slice told);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The version of these functions. It changes with every change that programs have to know of.
uint32_t gatewit_version(void);

// Starts a server. `settings` is a JSON object of the settings by their names, such as `{"DB_CLIENT": "sqlite3"}`; neither the
// environment nor files are read, but those that `..._FILE` names. It returns at once; `done` is called in a second or two.
void gatewit_start(gatewit_slice settings,
                   gatewit_send send,
                   void *letters,
                   gatewit_started done,
                   void *context);

// Whether the server has a route for a method and a path; `/` and `/robots.txt` are the program's.
bool gatewit_owns(const gatewit *server, gatewit_slice method, gatewit_slice path);

// Answers a request, and returns at once: the number by which it can be given up. `done` is called with 503 after `gatewit_close`.
uint64_t gatewit_answer(const gatewit *server,
                        const gatewit_request *request,
                        gatewit_replied done,
                        void *context);

// Answers a request as `gatewit_answer` does, but begins on this thread: the answer to what waits for nobody, such as who somebody
// is, is told before it returns, and no thread has to wake another. It takes a millisecond or two at most; not for the one thread
// of an event loop. The number is 0 if it has been answered.
uint64_t gatewit_answer_here(const gatewit *server,
                             const gatewit_request *request,
                             gatewit_replied done,
                             void *context);

// A typed call: an operation and its arguments as a JSON object. `docs/embedding-c.md` lists them; `verify` with a `token`
// tells whose it is. It returns at once: the number by which it can be given up.
uint64_t gatewit_call(const gatewit *server,
                      gatewit_slice operation,
                      gatewit_slice arguments,
                      gatewit_told done,
                      void *context);

// Gives up a request or a typed call by its number, as if whoever it is for had gone away. `done` is called for it all the same, soon
// and on a thread of the library: with status 0 and nothing else, or with a problem of the kind `cancelled`; and with the answer if
// that was there already. What has been done by then is done: a sign-in may have happened. Of a call that has ended nothing
// more is told.
void gatewit_cancel(const gatewit *server,
                    uint64_t number);

// Says what became of a letter: why it was not sent, or nothing if it was.
void gatewit_sent(const gatewit *server, uint32_t number, gatewit_slice failure);

// Lets what is under way finish and closes the server. What is asked later is refused.
void gatewit_close(const gatewit *server, gatewit_told done, void *context);

// Lets go of a server. What is under way is told its end all the same.
void gatewit_free(const gatewit *server);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* GATEWIT_H */
