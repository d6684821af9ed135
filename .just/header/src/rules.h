
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
