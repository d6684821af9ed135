/* Gatewit inside of a program in C, here a web server on libmicrohttpd.
 *
 *     cc -std=c11 main.c server.c -lmicrohttpd -lgatewit -o server
 *     DB_FILENAME=./gatewit.db SECRET=... PORT=8055 ./server
 *
 * Settings are a JSON object; this program makes it of its environment. `server.c` hands requests over and answers back. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

extern char **environ;

/* Appends a JSON string to `out` (RFC 8259, section 7). */
static void json_string(FILE *out, const char *text, size_t length) {
  fputc('"', out);
  for (size_t i = 0; i < length; i++) {
    unsigned char letter = (unsigned char)text[i];
    if (letter == '"' || letter == '\\') fprintf(out, "\\%c", letter);
    else if (letter < 0x20) fprintf(out, "\\u%04x", letter);
    else fputc(letter, out);
  }
  fputc('"', out);
}

/* The environment as a JSON object, to be freed. */
static char *settings(void) {
  char *json = NULL;
  size_t length = 0;
  FILE *out = open_memstream(&json, &length);
  if (!out) return NULL;
  fputc('{', out);
  const char *comma = "";
  for (char **entry = environ; *entry; entry++) {
    const char *equals = strchr(*entry, '=');
    if (!equals) continue;
    fputs(comma, out);
    json_string(out, *entry, (size_t)(equals - *entry));
    fputc(':', out);
    json_string(out, equals + 1, strlen(equals + 1));
    comma = ",";
  }
  fputc('}', out);
  fclose(out);
  return json;
}

/* What a function of the library tells when it is done, on a thread of the library's. */
struct told {
  pthread_mutex_t lock;
  pthread_cond_t done;
  int is_done;
  const gatewit *server;
};

static void tell(struct told *told, const gatewit *server) {
  pthread_mutex_lock(&told->lock);
  told->server = server;
  told->is_done = 1;
  pthread_cond_signal(&told->done);
  pthread_mutex_unlock(&told->lock);
}

static void wait_for(struct told *told) {
  pthread_mutex_lock(&told->lock);
  while (!told->is_done) pthread_cond_wait(&told->done, &told->lock);
  told->is_done = 0;
  pthread_mutex_unlock(&told->lock);
}

static void on_started(void *context, const gatewit *server, gatewit_slice facts) {
  /* Warnings about settings and the first administrator, or what is wrong. */
  fprintf(stderr, "%.*s\n", (int)facts.length, (const char *)facts.start);
  tell(context, server);
}

static void on_closed(void *context, bool is_good, gatewit_slice problem) {
  (void)is_good;
  (void)problem;
  tell(context, NULL);
}

int main(void) {
  /* Threads of the library and of the web server leave signals to this one. */
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, NULL);

  struct told told = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
  char *json = settings();
  if (!json) return EXIT_FAILURE;
  gatewit_start((gatewit_slice){(const uint8_t *)json, strlen(json)}, NULL, NULL, on_started, &told);
  free(json); /* It is good while the call lasts; the library has its copy. */
  wait_for(&told);
  const gatewit *gatewit = told.server;
  if (!gatewit) return EXIT_FAILURE;

  const char *port = getenv("PORT");
  struct server *server = server_start(gatewit, (uint16_t)(port ? atoi(port) : 8055));
  if (!server) {
    fprintf(stderr, "cannot listen: %s\n", strerror(errno));
    return EXIT_FAILURE;
  }
  printf("serves on http://127.0.0.1:%u\n", server_port(server));
  fflush(stdout);

  int signal;
  sigwait(&signals, &signal);
  /* First what is under way gets its answer, and what comes now is refused; then nothing comes any more. */
  gatewit_close(gatewit, on_closed, &told);
  wait_for(&told);
  server_stop(server);
  gatewit_free(gatewit);
  return EXIT_SUCCESS;
}
