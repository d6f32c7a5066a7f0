/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * tcp: the transport of /ip4|ip6/…/tcp/… (transport.h): plain sockets, in three files: tcp.c
 * (dials, carriers), tcp_listen.c, tcp_local.c (from which port a dial leaves).
 *
 * Threads: the host's loop's.
 */
#include <uv.h>

#include "controlplane/host/transport.h"

extern const struct transport_class tcp_transport;

/* All of the address, without a peer; VD_EUSER. */
enum vd_err tcp_address_parse(const struct vd_multiaddr *address, struct sockaddr_storage *out);

/* tcp_listen.c: the class' functions. */
enum vd_err tcp_listen(struct transport *transport, const struct vd_multiaddr *address,
		       struct transport_listener **listener_out, char *why);
void tcp_unlisten(struct transport_listener *listener);
enum vd_err tcp_give(struct transport_listener *listener, unsigned user);

/*
 * tcp_local.c: a dial leaves from an address that we listen on, so that what the peer sees of us
 * (identify's observed address) is where others reach us.
 */
void tcp_local_share(int listener);
bool tcp_local_find(const struct host *host, const struct sockaddr_storage *to,
		    struct sockaddr_storage *from_out);
/* Opens the socket; false: that port is not to be had. */
bool tcp_local_bind(uv_tcp_t *tcp, const struct sockaddr_storage *from);
