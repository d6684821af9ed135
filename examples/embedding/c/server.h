/* A web server that answers with Gatewit. */
#ifndef SERVER_H
#define SERVER_H

#include <gatewit.h>
#include <stdint.h>

struct server;

/* Listens on 127.0.0.1; port 0 is any that is free. NULL if it cannot. */
struct server *server_start(const gatewit *gatewit, uint16_t port);
uint16_t server_port(const struct server *server);
/* Answers what is under way and stops. */
void server_stop(struct server *server);

#endif
