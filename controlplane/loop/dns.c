/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/loop/dns.h"

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <uv.h>

#include "base/formats/server_list.h"

enum { EDNS_BYTES = 1232, RECORD_MAX = 2048 };

struct cp_dns {
	uv_loop_t *loop;
	ares_channel channel;
	uv_timer_t timer;
	struct watch *watches;
	unsigned handles; /* the timer and the watches, not closed yet */
	bool closing;
};

struct watch { /* of a socket of c-ares */
	struct cp_dns *dns;
	uv_poll_t poll;
	ares_socket_t fd;
	struct watch *next;
};

struct lookup {
	enum name_kind kind;
	const struct cp_dns_answer *answer;
	void *context;
};

/* ---- c-ares' sockets and clock ---- */

static void let_go(struct cp_dns *dns)
{
	if (!--dns->handles)
		free(dns);
}

static void set_timer(struct cp_dns *dns);

static void on_timer(uv_timer_t *timer)
{
	struct cp_dns *dns = timer->data;

	ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	set_timer(dns);
}

static void set_timer(struct cp_dns *dns)
{
	struct timeval room, *wait;

	if (dns->closing)
		return;
	wait = ares_timeout(dns->channel, NULL, &room);
	if (!wait) {
		uv_timer_stop(&dns->timer);
		return;
	}
	uv_timer_start(&dns->timer, on_timer,
		       (uint64_t)wait->tv_sec * 1000 + (uint64_t)wait->tv_usec / 1000 + 1, 0);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct watch *watch = poll->data;
	struct cp_dns *dns = watch->dns; /* the watch may go in between */
	ares_socket_t fd = watch->fd;
	bool in = status < 0 || events & UV_READABLE, out = status < 0 || events & UV_WRITABLE;

	ares_process_fd(dns->channel, in ? fd : ARES_SOCKET_BAD, out ? fd : ARES_SOCKET_BAD);
	set_timer(dns);
}

static void on_watch_closed(uv_handle_t *handle)
{
	struct watch *watch = handle->data;

	let_go(watch->dns);
	free(watch);
}

static struct watch *add_watch(struct cp_dns *dns, ares_socket_t fd)
{
	struct watch *watch = calloc(1, sizeof *watch);

	if (!watch)
		return NULL;
	if (uv_poll_init(dns->loop, &watch->poll, fd)) {
		free(watch);
		return NULL;
	}
	watch->dns = dns;
	watch->fd = fd;
	watch->poll.data = watch;
	watch->next = dns->watches;
	dns->watches = watch;
	dns->handles++;
	return watch;
}

/* c-ares closes the socket after this. */
static void del_watch(struct watch **at)
{
	struct watch *watch = *at;

	*at = watch->next;
	uv_poll_stop(&watch->poll);
	uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
}

static void on_socket(void *context, ares_socket_t fd, int readable, int writable)
{
	struct cp_dns *dns = context;
	struct watch **at = &dns->watches, *watch;
	int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);

	while (*at && (*at)->fd != fd)
		at = &(*at)->next;
	if (!events) {
		if (*at)
			del_watch(at);
		return;
	}
	watch = *at ? *at : add_watch(dns, fd);
	if (watch) /* without: the lookup ends by its time-out */
		uv_poll_start(&watch->poll, events, on_ready);
}

/* ---- life ---- */

static int open_channel(struct cp_dns *dns, const struct cp_dns_config *config)
{
	struct ares_options options = {
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS,
		.timeout = (int)(config->timeout_ms ? config->timeout_ms : CP_DNS_TIMEOUT_MS),
		.tries = CP_DNS_TRIES,
		.ednspsz = EDNS_BYTES,
		.sock_state_cb = on_socket,
		.sock_state_cb_data = dns,
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ |
		   ARES_OPT_SOCK_STATE_CB;
	int status = ares_init_options(&dns->channel, &options, mask);

	if (!status && config->servers && config->servers[0]) {
		status = ares_set_servers_ports_csv(dns->channel, config->servers);
		if (status)
			ares_destroy(dns->channel);
	}
	return status;
}

enum vd_err cp_dns_new(const struct cp_dns_config *config, char *why, struct cp_dns **dns_out)
{
	struct cp_dns *dns;
	int status;

	if (config->servers && config->servers[0] && !vd_is_server_list(config->servers)) {
		snprintf(why, CP_DNS_WHY,
			 "no list of DNS servers; write 192.0.2.1,192.0.2.2:5353,[2001:db8::1]:53");
		return VD_EUSER;
	}
	dns = calloc(1, sizeof *dns);
	if (!dns)
		return VD_ENOMEM;
	dns->loop = config->loop;
	status = open_channel(dns, config);
	if (status) {
		snprintf(why, CP_DNS_WHY, "cannot look up names: %s", ares_strerror(status));
		free(dns);
		return status == ARES_ENOMEM ? VD_ENOMEM : VD_ESYS;
	}
	uv_timer_init(dns->loop, &dns->timer);
	dns->timer.data = dns;
	dns->handles = 1;
	*dns_out = dns;
	return VD_OK;
}

static void on_timer_closed(uv_handle_t *handle)
{
	let_go(handle->data);
}

void cp_dns_free(struct cp_dns *dns)
{
	if (!dns)
		return;
	dns->closing = true;
	ares_destroy(dns->channel); /* callbacks; and its sockets go */
	uv_close((uv_handle_t *)&dns->timer, on_timer_closed);
}

/* ---- lookups ---- */

static enum vd_err err_of(int status, const char **why_out)
{
	switch (status) {
	case ARES_SUCCESS: *why_out = NULL; return VD_OK;
	case ARES_ENOTFOUND: *why_out = "no such name; is it spelt right?"; return VD_ENOTFOUND;
	case ARES_ENODATA: *why_out = "the name has no such record"; return VD_ENOTFOUND;
	case ARES_ETIMEOUT:
		*why_out = "no DNS server answers; name one that does in host.dns";
		return VD_ELINK_TIMEOUT;
	case ARES_ECONNREFUSED: /* also what c-ares makes of "server failure" from all */
		*why_out = "no DNS server is there, or it fails; name another in host.dns";
		return VD_ELINK_CLOSED;
	case ARES_ENOMEM: *why_out = "out of memory"; return VD_ENOMEM;
	case ARES_EDESTRUCTION:
	case ARES_ECANCELLED: *why_out = "going down"; return VD_ELINK_CLOSED;
	default:
		*why_out = "the DNS server's answer is malformed; try another in host.dns";
		return VD_EPEER_FORMAT;
	}
}

static void finish(struct lookup *lookup, int status)
{
	const char *why;
	enum vd_err err = err_of(status, &why);

	lookup->answer->done(lookup->context, err, why);
	free(lookup);
}

static void tell_ip(const struct lookup *lookup, const struct ares_addrinfo_node *node)
{
	const struct sockaddr_in *in = (const void *)node->ai_addr;
	const struct sockaddr_in6 *in6 = (const void *)node->ai_addr;

	if (node->ai_family == AF_INET && lookup->kind == NAME_A)
		lookup->answer->ip(lookup->context, vd_bytes(&in->sin_addr, 4));
	if (node->ai_family == AF_INET6 && lookup->kind == NAME_AAAA)
		lookup->answer->ip(lookup->context, vd_bytes(&in6->sin6_addr, 16));
}

static void on_addresses(void *context, int status, int timeouts, struct ares_addrinfo *result)
{
	struct lookup *lookup = context;

	(void)timeouts;
	for (const struct ares_addrinfo_node *node = result ? result->nodes : NULL; node;
	     node = node->ai_next)
		tell_ip(lookup, node);
	if (result)
		ares_freeaddrinfo(result);
	finish(lookup, status);
}

/* A record's strings come one by one. */
static const struct ares_txt_ext *join(const struct ares_txt_ext *string,
				       struct vd_write *record_out)
{
	do {
		vd_write_bytes(record_out, vd_bytes(string->txt, string->length));
		string = string->next;
	} while (string && !string->record_start);
	return string;
}

static void on_records(void *context, int status, int timeouts, unsigned char *bytes, int len)
{
	struct lookup *lookup = context;
	struct ares_txt_ext *strings = NULL;
	const struct ares_txt_ext *next;

	(void)timeouts;
	if (status == ARES_SUCCESS)
		status = ares_parse_txt_reply_ext(bytes, len, &strings);
	for (next = strings; next;) {
		uint8_t room[RECORD_MAX];
		struct vd_write record = vd_write_to(room, sizeof room);

		next = join(next, &record);
		if (!vd_write_end(&record)) /* longer ones hold no address */
			lookup->answer->txt(lookup->context, vd_write_done(&record));
	}
	if (strings)
		ares_free_data(strings);
	finish(lookup, status);
}

enum vd_err cp_dns_look_up(struct cp_dns *dns, const struct name_lookup *what,
			   const struct cp_dns_answer *answer, void *context)
{
	struct lookup *lookup = malloc(sizeof *lookup);
	struct ares_addrinfo_hints hints = {
		.ai_flags = ARES_AI_NOSORT,
		.ai_family = what->kind == NAME_A ? AF_INET : AF_INET6,
		.ai_socktype = SOCK_STREAM,
	};

	if (!lookup)
		return VD_ENOMEM;
	*lookup = (struct lookup){ what->kind, answer, context };
	if (what->kind == NAME_TXT)
		ares_query(dns->channel, what->name, ns_c_in, ns_t_txt, on_records, lookup);
	else
		ares_getaddrinfo(dns->channel, what->name, NULL, &hints, on_addresses, lookup);
	set_timer(dns);
	return VD_OK;
}
