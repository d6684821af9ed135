#define _GNU_SOURCE
/* A request goes from a connection to Gatewit and its answer back, without a thread that waits: where the answer is not there at once, the
 * connection sleeps until it is. */
#include "server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Bodies are held whole. Gatewit refuses them at 1 MiB unless MAX_PAYLOAD_SIZE says more. */
#define BODY_MAX (8u << 20)
#define THREADS 2

struct server {
  const gatewit *gatewit;
  struct MHD_Daemon *daemon;
};

/* Bytes that grow. */
struct bytes {
  char *start;
  size_t length;
};

/* What has come first: that the connection sleeps, or the answer. */
enum { ASKED, ASLEEP, ANSWERED };

/* One request, from its first line to the last byte of its answer. */
struct call {
  struct MHD_Connection *connection;
  char *target;
  struct bytes headers;
  struct bytes body;
  bool is_too_large;
  atomic_int state;
  struct MHD_Response *answer;
  uint16_t status;
};

static bool append(struct bytes *bytes, const void *more, size_t length) {
  char *grown = realloc(bytes->start, bytes->length + length + 1);
  if (!grown) return false;
  memcpy(grown + bytes->length, more, length);
  bytes->start = grown;
  bytes->length += length;
  return true;
}

static gatewit_slice slice(const void *start, size_t length) {
  return (gatewit_slice){start, length};
}

/* The first that is heard of a request: its target as it was sent. */
static void *on_target(void *context, const char *target, struct MHD_Connection *connection) {
  (void)context;
  struct call *call = calloc(1, sizeof *call);
  if (!call) return NULL;
  call->connection = connection;
  call->target = strdup(target);
  return call;
}

static void on_end(void *context, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode code) {
  (void)context, (void)connection, (void)code;
  struct call *call = *state;
  if (!call) return;
  if (call->answer) MHD_destroy_response(call->answer);
  free(call->target);
  free(call->headers.start);
  free(call->body.start);
  free(call);
  *state = NULL;
}

/* Headers are lines, as in HTTP. */
static enum MHD_Result on_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value) {
  (void)kind;
  struct bytes *headers = &((struct call *)context)->headers;
  bool kept = append(headers, name, strlen(name)) && append(headers, ":", 1) &&
              append(headers, value ? value : "", value ? strlen(value) : 0) && append(headers, "\n", 1);
  return kept ? MHD_YES : MHD_NO;
}

/* The answer is made. */
static void wake(struct call *call) {
  if (atomic_exchange(&call->state, ANSWERED) == ASLEEP) MHD_resume_connection(call->connection);
}

/* After somebody was asked: sends the answer if it is there, and sleeps otherwise. */
static enum MHD_Result wait_for(struct call *call) {
  if (atomic_load(&call->state) != ANSWERED) {
    MHD_suspend_connection(call->connection);
    int asked = ASKED;
    if (atomic_compare_exchange_strong(&call->state, &asked, ASLEEP)) return MHD_YES;
    MHD_resume_connection(call->connection); /* It came just now. */
    return MHD_YES;
  }
  return call->answer ? MHD_queue_response(call->connection, call->status, call->answer) : MHD_NO;
}

/* On a thread of Gatewit's, or on the one that asks: makes the answer. */
static void on_answer(void *context, uint16_t status, gatewit_slice headers, gatewit_slice body) {
  struct call *call = context;
  call->status = status;
  call->answer = MHD_create_response_from_buffer(body.length, (void *)body.start, MHD_RESPMEM_MUST_COPY);
  const char *line = (const char *)headers.start, *end = line + headers.length;
  while (call->answer && line < end) {
    const char *line_end = memchr(line, '\n', (size_t)(end - line));
    if (!line_end) break;
    char *text = strndup(line, (size_t)(line_end - line));
    char *colon = text ? strchr(text, ':') : NULL;
    if (colon) {
      *colon = '\0';
      /* The web server counts for itself. */
      if (strcasecmp(text, "content-length") != 0) MHD_add_response_header(call->answer, text, colon + 1);
    }
    free(text);
    line = line_end + 1;
  }
  wake(call);
}

/* On a thread of Gatewit's: whose token it was. */
static void on_person(void *context, bool is_good, gatewit_slice told) {
  struct call *call = context;
  call->status = is_good ? MHD_HTTP_OK : MHD_HTTP_UNAUTHORIZED;
  call->answer = MHD_create_response_from_buffer(told.length, (void *)told.start, MHD_RESPMEM_MUST_COPY);
  if (call->answer) MHD_add_response_header(call->answer, "Content-Type", "application/json");
  wake(call);
}

/* The program's own route: who is it that asks? */
static enum MHD_Result who(struct server *server, struct call *call) {
  static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=";
  const char *header = MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, "Authorization");
  const char *token = header && strncasecmp(header, "Bearer ", 7) == 0 ? header + 7 : "";
  if (strspn(token, allowed) != strlen(token)) token = "";
  struct bytes arguments = {0};
  bool is_whole = append(&arguments, "{\"token\":\"", 10) && append(&arguments, token, strlen(token)) && append(&arguments, "\"}", 2);
  if (is_whole) gatewit_call(server->gatewit, slice("verify", 6), slice(arguments.start, arguments.length), on_person, call);
  else on_person(call, false, slice("", 0));
  free(arguments.start);
  return wait_for(call);
}

static enum MHD_Result say(struct MHD_Connection *connection, unsigned int status, const char *text) {
  struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_PERSISTENT);
  enum MHD_Result queued = MHD_queue_response(connection, status, response);
  MHD_destroy_response(response);
  return queued;
}

static void peer(struct MHD_Connection *connection, char text[INET6_ADDRSTRLEN]) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  text[0] = '\0';
  if (info && info->client_addr->sa_family == AF_INET) {
    const struct sockaddr_in *address = (const struct sockaddr_in *)(const void *)info->client_addr;
    inet_ntop(AF_INET, &address->sin_addr, text, INET6_ADDRSTRLEN);
  }
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *data, size_t *length, void **state) {
  (void)url, (void)version;
  struct server *server = context;
  struct call *call = *state;
  if (!call || !call->target) return MHD_NO;
  if (atomic_load(&call->state) == ANSWERED) return wait_for(call);
  if (!call->headers.start) {
    MHD_get_connection_values(connection, MHD_HEADER_KIND, on_header, call);
    if (!call->headers.start && !append(&call->headers, "", 0)) return MHD_NO;
    return MHD_YES; /* The body comes next. */
  }
  if (*length > 0) {
    call->is_too_large = call->is_too_large || call->body.length + *length > BODY_MAX;
    if (!call->is_too_large && !append(&call->body, data, *length)) return MHD_NO;
    *length = 0;
    return MHD_YES;
  }
  if (call->is_too_large) return say(connection, MHD_HTTP_CONTENT_TOO_LARGE, "");
  if (strcmp(call->target, "/") == 0) return say(connection, MHD_HTTP_OK, "Hello from the application");
  if (strcmp(call->target, "/whoami") == 0) return who(server, call);
  char address[INET6_ADDRSTRLEN];
  peer(connection, address);
  gatewit_request request = {
      .method = slice(method, strlen(method)),
      .target = slice(call->target, strlen(call->target)),
      .headers = slice(call->headers.start, call->headers.length),
      .body = slice(call->body.start, call->body.length),
      .peer = slice(address, strlen(address)),
  };
  gatewit_answer_here(server->gatewit, &request, on_answer, call);
  return wait_for(call);
}

struct server *server_start(const gatewit *gatewit, uint16_t port) {
  struct server *server = calloc(1, sizeof *server);
  if (!server) return NULL;
  server->gatewit = gatewit;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  server->daemon = MHD_start_daemon(
      MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, port, NULL, NULL, on_request, server,
      MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_THREAD_POOL_SIZE, THREADS, MHD_OPTION_URI_LOG_CALLBACK, on_target, NULL,
      MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL, MHD_OPTION_END);
  if (server->daemon) return server;
  free(server);
  return NULL;
}

uint16_t server_port(const struct server *server) {
  return MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

void server_stop(struct server *server) {
  MHD_stop_daemon(server->daemon);
  free(server);
}
