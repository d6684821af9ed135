/* What the C library does with good and bad input, one line a check: `ok NAME` or `FAIL NAME: WHY`. */
#define _GNU_SOURCE
#include <gatewit.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 4
#define CALLS 50

static int failures;

/* What a call was told. */
struct told {
  pthread_mutex_t lock;
  pthread_cond_t done;
  int times;
  bool is_good;
  int status;
  const gatewit *server;
  char *text;
};

static struct told new_told(void) {
  return (struct told){.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
}

static void tell(struct told *told, bool is_good, int status, const gatewit *server, gatewit_slice text) {
  pthread_mutex_lock(&told->lock);
  free(told->text);
  told->text = strndup(text.length ? (const char *)text.start : "", text.length);
  told->is_good = is_good;
  told->status = status;
  told->server = server;
  told->times += 1;
  pthread_cond_signal(&told->done);
  pthread_mutex_unlock(&told->lock);
}

static void on_started(void *context, const gatewit *server, gatewit_slice facts) { tell(context, server != NULL, 0, server, facts); }
static void on_told(void *context, bool is_good, gatewit_slice answer) { tell(context, is_good, 0, NULL, answer); }
static void on_replied(void *context, uint16_t status, gatewit_slice headers, gatewit_slice body) {
  (void)headers;
  tell(context, status < 400, status, NULL, body);
}

static void wait_for(struct told *told) {
  pthread_mutex_lock(&told->lock);
  while (told->times == 0) pthread_cond_wait(&told->done, &told->lock);
  pthread_mutex_unlock(&told->lock);
}

static gatewit_slice text(const char *text) { return (gatewit_slice){(const uint8_t *)text, strlen(text)}; }

static void check(const char *name, bool holds, const char *why) {
  if (!holds) failures++;
  printf("%s %s%s%s\n", holds ? "ok" : "FAIL", name, holds ? "" : ": ", holds ? "" : why);
}

static const gatewit *start(const char *settings, struct told *told) {
  gatewit_start(text(settings), NULL, NULL, on_started, told);
  wait_for(told);
  return told->server;
}

/* A call whose answer is wanted at once; to be freed. */
static char *call(const gatewit *server, const char *operation, const char *arguments, bool *is_good) {
  struct told told = new_told();
  gatewit_call(server, text(operation), text(arguments), on_told, &told);
  wait_for(&told);
  *is_good = told.is_good;
  return told.text;
}

static void expect(const gatewit *server, const char *name, const char *operation, const char *arguments, bool good, const char *holds) {
  bool is_good;
  char *answer = call(server, operation, arguments, &is_good);
  check(name, is_good == good && strstr(answer, holds), answer);
  free(answer);
}

static int ask(const gatewit *server, const char *method, const char *target, const char *headers) {
  struct told told = new_told();
  gatewit_request request = {.method = text(method), .target = text(target), .headers = text(headers)};
  gatewit_answer(server, &request, on_replied, &told);
  wait_for(&told);
  free(told.text);
  return told.status;
}

/* The same on this thread; `at_once` is whether it was told before the call returned. */
static int ask_here(const gatewit *server, const char *target, const char *headers, const char *body, bool *at_once) {
  struct told told = new_told();
  gatewit_request request = {
      .method = text(*body ? "POST" : "GET"), .target = text(target), .headers = text(headers), .body = text(body)};
  gatewit_answer_here(server, &request, on_replied, &told);
  pthread_mutex_lock(&told.lock);
  *at_once = told.times == 1;
  pthread_mutex_unlock(&told.lock);
  wait_for(&told);
  free(told.text);
  return told.status;
}

static void answers_here(const gatewit *server) {
  bool at_once;
  check("what waits for nobody is answered before the call returns", ask_here(server, "/server/ping", "", "", &at_once) == 200 && at_once, "");
  const char *json = "Content-Type: application/json\n", *right = "{\"email\":\"admin@example.com\",\"password\":\"Adm1n-password\"}";
  check("what waits is answered later", ask_here(server, "/auth/login", json, right, &at_once) == 200 && !at_once, "");
  check("without a server that is 500, too", ask_here(NULL, "/server/ping", "", "", &at_once) == 500 && at_once, "");
}

/* Calls that wait for a hash are given up: `done` is called once, and says so. One may have ended by then; not all of them. */
static void gives_up(const gatewit *server, const char *credentials) {
  uint64_t number = 0;
  bool is_given_up = false;
  for (int i = 0; i < CALLS && !is_given_up; i++) {
    struct told told = new_told();
    number = gatewit_call(server, text("login"), text(credentials), on_told, &told);
    gatewit_cancel(server, number);
    wait_for(&told);
    is_given_up = number && !told.is_good && strstr(told.text, "\"kind\":\"cancelled\"");
    free(told.text);
  }
  check("a call that is given up says so", is_given_up, "none was");
  gatewit_cancel(server, number);
  gatewit_cancel(server, 0);
  gatewit_cancel(NULL, number);

  const char *json = "Content-Type: application/json\n", *right = "{\"email\":\"admin@example.com\",\"password\":\"Adm1n-password\"}";
  gatewit_request request = {.method = text("POST"), .target = text("/auth/login"), .headers = text(json), .body = text(right)};
  is_given_up = false;
  for (int i = 0; i < CALLS && !is_given_up; i++) {
    struct told told = new_told();
    gatewit_cancel(server, gatewit_answer_here(server, &request, on_replied, &told));
    wait_for(&told);
    is_given_up = told.status == 0 && !*told.text;
    free(told.text);
  }
  check("a request that is given up has no status", is_given_up, "none was");

  /* Many at once, some of which have ended by then: each is told once. */
  struct told many[CALLS];
  int once = 0;
  for (int i = 0; i < CALLS; i++) {
    many[i] = new_told();
    number = gatewit_call(server, text("verify"), text("{\"token\":\"none\"}"), on_told, &many[i]);
    if (i % 2) gatewit_cancel(server, number);
  }
  for (int i = 0; i < CALLS; i++) wait_for(&many[i]);
  bool is_good;
  free(call(server, "verify", "{\"token\":\"none\"}", &is_good));
  for (int i = 0; i < CALLS; i++) {
    pthread_mutex_lock(&many[i].lock);
    once += many[i].times == 1;
    free(many[i].text);
    pthread_mutex_unlock(&many[i].lock);
  }
  check("each call is told its end once, given up or not", once == CALLS, "some were told twice");
}

static void *ask_often(void *server) {
  long answered = 0;
  for (int i = 0; i < CALLS; i++) answered += ask(server, "GET", "/server/ping", "") == 200;
  return (void *)answered;
}

static void many_threads(const gatewit *server) {
  pthread_t threads[THREADS];
  long answered = 0;
  for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, ask_often, (void *)server);
  for (int i = 0; i < THREADS; i++) {
    void *each = NULL;
    pthread_join(threads[i], &each);
    answered += (long)each;
  }
  check("several threads ask at once", answered == THREADS * CALLS, "not all were answered");
}

/* Settings with a data folder below the first argument of the program. */
static char *settings(const char *folder, const char *name, const char *secret) {
  char *json = NULL;
  if (asprintf(&json,
               "{\"GATEWIT_DATA\":\"%s/%s\",\"GATEWIT_CODE_CACHE\":\"%s\",\"SECRET\":\"%s\",\"ADMIN_EMAIL\":\"admin@example.com\","
               "\"ADMIN_PASSWORD\":\"Adm1n-password\",\"HASH_MEMORY_COST\":1024,\"HASH_TIME_COST\":1,\"LOGIN_STALL_TIME\":0,"
               "\"LOG_LEVEL\":\"silent\"}",
               folder, name, getenv("CODE_CACHE"), secret) < 0) abort();
  return json;
}

int main(int count_of_arguments, char **arguments) {
  if (count_of_arguments != 2) return 2;
  /* What was told is told, however this ends. */
  setvbuf(stdout, NULL, _IOLBF, 0);
  struct told told = new_told();
  check("settings that are no JSON are refused", !start("{", &told) && strstr(told.text, "\"code\""), told.text);
  free(told.text);
  told = new_told();
  bool named = !start("{\"DB_CLIENT\":\"punchcards\"}", &told) && strstr(told.text, "\"setting\":\"DB_CLIENT\"");
  check("a setting that is wrong is named", named, told.text);
  free(told.text);

  expect(NULL, "without a server a call is a problem", "verify", "{}", false, "there is no server");
  check("without a server an answer is 500", ask(NULL, "GET", "/server/ping", "") == 500, "");
  check("without a server there are no routes", !gatewit_owns(NULL, text("GET"), text("/auth")), "");
  gatewit_sent(NULL, 1, text(""));
  gatewit_free(NULL);

  char *json = settings(arguments[1], "one", "the secret of the first, which is long enough");
  told = new_told();
  const gatewit *one = start(json, &told);
  check("it starts and tells of its first administrator", one && strstr(told.text, "admin@example.com"), told.text);
  free(told.text);
  free(json);
  json = settings(arguments[1], "two", "the secret of the second, which is long enough");
  told = new_told();
  const gatewit *two = start(json, &told);
  check("a second one starts beside it", two != NULL, told.text);
  free(told.text);
  free(json);
  if (!one || !two) return 1;

  check("its routes are told", gatewit_owns(one, text("POST"), text("/auth/login")) && !gatewit_owns(one, text("GET"), text("/mine")), "");
  check("a request is answered", ask(one, "GET", "/server/ping", "Host: example.com\n") == 200, "");
  check("a request that is none is 400", ask(one, "GET", "no target", "") == 400 && ask(one, "GET", "/", "no header\n") == 400, "");
  many_threads(one);
  answers_here(one);

  const char *credentials = "{\"credentials\":{\"email\":\"admin@example.com\",\"password\":\"Adm1n-password\"}}";
  bool is_good;
  char *tokens = call(one, "login", credentials, &is_good);
  check("a person signs in", is_good && strstr(tokens, "access_token"), tokens);
  char *verify = NULL, *token = strstr(tokens, "\"access_token\":\"");
  token = token ? token + strlen("\"access_token\":\"") : tokens;
  if (asprintf(&verify, "{\"token\":\"%.*s\"}", (int)strcspn(token, "\""), token) < 0) abort();
  expect(one, "their token is verified", "verify", verify, true, "\"admin\":true");
  expect(two, "another server does not believe it", "verify", verify, false, "INVALID_TOKEN");
  expect(one, "a wrong password is refused", "login", "{\"credentials\":{\"email\":\"admin@example.com\",\"password\":\"x\"}}", false, "INVALID_CREDENTIALS");
  gives_up(one, credentials);
  expect(one, "a server goes on after calls were given up", "verify", verify, true, "\"admin\":true");
  expect(one, "arguments that are none are a problem", "verify", "[]", false, "usage");
  expect(one, "an operation that there is not is a problem", "fly", "{}", false, "usage");

  told = new_told();
  gatewit_close(one, on_told, &told);
  wait_for(&told);
  free(told.text);
  expect(one, "after the end a call is refused", "verify", verify, false, "SERVICE_UNAVAILABLE");
  check("after the end a request is 503", ask(one, "GET", "/auth", "") == 503 && ask_here(one, "/auth", "", "", &is_good) == 503, "");
  expect(two, "the other goes on", "login", credentials, true, "access_token");
  told = new_told();
  gatewit_close(two, on_told, &told);
  wait_for(&told);
  free(told.text);
  free(verify);
  free(tokens);
  gatewit_free(one);
  gatewit_free(two);
  return failures ? 1 : 0;
}
