/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "controlplane/loop/netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/log.h"
#include "controlplane/loop/netlink_parse.h"

enum {
	READ_BYTES = 64 * 1024, /* rtnetlink fills at most 32 KiB at a time */
	FOLLOW_BYTES = 1 << 20, /* receive buffer for what we follow */
	BATCH = 256,            /* reads a turn */
	RESYNC_MS = 100,        /* several reasons in a row make one dump */
	REPLY_MS = 1000,        /* the kernel answers at once, or not at all */
};

struct cp_netlink {
	struct cp_netmap *map;
	cp_loop_fn changed;
	void *context;
	struct mnl_socket *follow;  /* multicast groups */
	struct mnl_socket *command; /* dumps and requests */
	struct cp_watch *watch;
	struct cp_timer *asks;   /* neighbours */
	struct cp_timer *resync; /* a new dump */
	uint64_t told;           /* netmap version of the last `changed` */
	uint32_t sequence;
	bool resync_due, resync_set; /* a reason for it; and its time is set */
	_Alignas(8) char buffer[READ_BYTES];
};

/* ---- requests ---- */

static struct nlmsghdr *request(struct cp_netlink *nl, char *buffer, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

	message->nlmsg_type = type;
	message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	message->nlmsg_seq = ++nl->sequence;
	return message;
}

static void put_ip(struct nlmsghdr *message, uint16_t type, uint8_t family, const uint8_t ip[16])
{
	if (family == AF_INET)
		mnl_attr_put(message, type, 4, ip + 12);
	else
		mnl_attr_put(message, type, 16, ip);
}

/* One answer's message: applied, or the end of the answer. 1: more, 0: end, -1: errno. */
static int take_answer(struct cp_netlink *nl, const struct nlmsghdr *message, bool *stale)
{
	if (message->nlmsg_seq != nl->sequence)
		return 1; /* of a request given up */
	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		nl->resync_due = true;
	if (message->nlmsg_type == NLMSG_DONE)
		return 0;
	if (message->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *e = (const struct nlmsgerr *)mnl_nlmsg_get_payload(message);

		if (message->nlmsg_len < mnl_nlmsg_size(sizeof e->error)) {
			errno = EBADMSG;
			return -1;
		}
		errno = -e->error;
		return e->error ? -1 : 0;
	}
	switch (cp_netlink_apply(nl->map, message, stale)) {
	case VD_OK:
	case VD_EPEER_FORMAT: return 1;
	default: errno = ENOMEM; return -1;
	}
}

/* Reads the answer to the request just sent, until its end or acknowledgement. */
static enum vd_err read_answer(struct cp_netlink *nl)
{
	bool stale = false;

	for (;;) {
		ssize_t n = mnl_socket_recvfrom(nl->command, nl->buffer, sizeof nl->buffer);
		const struct nlmsghdr *m = (const struct nlmsghdr *)(const void *)nl->buffer;
		int left = (int)n;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return VD_ESYS;
		for (; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
			int more = take_answer(nl, m, &stale);

			if (more <= 0)
				return more ? VD_ESYS : VD_OK;
		}
	}
}

static enum vd_err send_request(struct cp_netlink *nl, const struct nlmsghdr *message)
{
	if (mnl_socket_sendto(nl->command, message, message->nlmsg_len) < 0)
		return VD_ESYS;
	return read_answer(nl);
}

/* ---- dumps ---- */

static enum vd_err dump(struct cp_netlink *nl, uint16_t type, uint8_t family)
{
	_Alignas(8) char buffer[256] = { 0 };
	struct nlmsghdr *message = request(nl, buffer, type, NLM_F_DUMP);

	/* the largest fixed header; the others are prefixes of it with the family first */
	((struct rtgenmsg *)mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg)))
	    ->rtgen_family = family;
	return send_request(nl, message);
}

static enum vd_err dump_all(struct cp_netlink *nl)
{
	static const struct {
		uint16_t type;
		uint8_t family;
	} kinds[] = {
		{ RTM_GETLINK, AF_UNSPEC }, { RTM_GETADDR, AF_INET },   { RTM_GETADDR, AF_INET6 },
		{ RTM_GETROUTE, AF_INET },  { RTM_GETROUTE, AF_INET6 }, { RTM_GETNEIGH, AF_INET },
		{ RTM_GETNEIGH, AF_INET6 },
	};
	enum vd_err err = VD_OK;

	nl->resync_due = false;
	cp_netmap_sync_begin(nl->map);
	for (size_t i = 0; !err && i < sizeof kinds / sizeof kinds[0]; i++) {
		err = dump(nl, kinds[i].type, kinds[i].family);
		if (err && kinds[i].family == AF_INET6 &&
		    (errno == EOPNOTSUPP || errno == EAFNOSUPPORT))
			err = VD_OK; /* a kernel without IPv6 */
	}
	if (!err && !nl->resync_due)
		cp_netmap_sync_end(nl->map); /* an interrupted dump proves no absence */
	return err;
}

/* ---- following ---- */

static void tell(struct cp_netlink *nl)
{
	uint64_t version = cp_netmap_version(nl->map);

	cp_timer_at(nl->asks, cp_netmap_deadline(nl->map));
	if (nl->resync_due && !nl->resync_set)
		cp_timer_at(nl->resync, vd_now() + VD_MS(RESYNC_MS));
	nl->resync_set = nl->resync_due; /* more reasons do not put it off */
	if (version == nl->told)
		return;
	nl->told = version;
	if (nl->changed)
		nl->changed(nl->context);
}

static void on_resync(void *context)
{
	struct cp_netlink *nl = (struct cp_netlink *)context;
	enum vd_err err;

	nl->resync_set = false;
	err = dump_all(nl);

	if (err) {
		vd_log(VD_LOG_WARN, VD_SUB_NET,
		       "cannot read the kernel's routes and neighbours again",
		       VD_STR("reason", strerror(errno)));
		nl->resync_due = true;
	}
	tell(nl);
}

static void apply_followed(struct cp_netlink *nl, const struct nlmsghdr *message)
{
	enum vd_err err = cp_netlink_apply(nl->map, message, &nl->resync_due);

	if (err)
		vd_log(VD_LOG_WARN, VD_SUB_NET, "a message of the kernel is left out", VD_ERR(err),
		       VD_U64("type", message->nlmsg_type));
}

/* True: there may be more. */
static bool follow_once(struct cp_netlink *nl)
{
	ssize_t n = mnl_socket_recvfrom(nl->follow, nl->buffer, sizeof nl->buffer);
	const struct nlmsghdr *m = (const struct nlmsghdr *)(const void *)nl->buffer;
	int left = (int)n;

	if (n < 0) {
		if (errno == ENOBUFS || errno == ENOSPC)
			nl->resync_due = true; /* messages were lost */
		return errno == ENOBUFS || errno == EINTR;
	}
	for (; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left))
		apply_followed(nl, m);
	return true;
}

static void on_readable(void *context)
{
	struct cp_netlink *nl = (struct cp_netlink *)context;

	for (unsigned i = 0; i < BATCH && follow_once(nl); i++)
		;
	tell(nl);
}

/* ---- neighbours ---- */

static enum vd_err ask(struct cp_netlink *nl, uint32_t ifindex, const uint8_t ip[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	_Alignas(8) char buffer[256] = { 0 };
	struct nlmsghdr *message =
	    request(nl, buffer, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK);
	struct ndmsg *info =
	    (struct ndmsg *)mnl_nlmsg_put_extra_header(message, sizeof(struct ndmsg));

	info->ndm_family = memcmp(ip, mapped, 12) == 0 ? AF_INET : AF_INET6;
	info->ndm_ifindex = (int)ifindex;
	info->ndm_state = NUD_NONE;
	info->ndm_flags = NTF_USE; /* as if a packet had to go there */
	put_ip(message, NDA_DST, info->ndm_family, ip);
	return send_request(nl, message);
}

void cp_netlink_poke(struct cp_netlink *nl)
{
	uint32_t ifindex;
	uint8_t ip[16];

	while (cp_netmap_ask(nl->map, vd_now(), &ifindex, ip))
		if (ask(nl, ifindex, ip))
			vd_log(VD_LOG_WARN, VD_SUB_NET,
			       errno == EPERM ? "cannot ask the kernel for a neighbour; give the "
						"daemon CAP_NET_ADMIN"
					      : "cannot ask the kernel for a neighbour",
			       VD_U64("ifindex", ifindex), VD_HEX("address", vd_bytes(ip, 16)),
			       VD_STR("reason", strerror(errno)));
	cp_timer_at(nl->asks, cp_netmap_deadline(nl->map));
}

static void on_asks(void *context)
{
	cp_netlink_poke((struct cp_netlink *)context);
}

/* ---- opening ---- */

static struct mnl_socket *open_socket(unsigned groups, int flags)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | flags);
	int saved;

	if (!socket)
		return NULL;
	if (mnl_socket_bind(socket, groups, MNL_SOCKET_AUTOPID) == 0)
		return socket;
	saved = errno;
	mnl_socket_close(socket);
	errno = saved;
	return NULL;
}

/* More than the system's limit for everybody (rmem_max), where we may. */
static void set_receive_buffer(struct mnl_socket *socket, int bytes)
{
	int fd = mnl_socket_get_fd(socket);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

static enum vd_err open_sockets(struct cp_netlink *nl)
{
	const unsigned groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
				RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE | RTMGRP_NEIGH;
	const struct timeval limit = { .tv_sec = REPLY_MS / 1000 };

	nl->follow = open_socket(groups, SOCK_NONBLOCK);
	nl->command = nl->follow ? open_socket(0, 0) : NULL;
	if (!nl->command)
		return VD_ESYS;
	set_receive_buffer(nl->follow, FOLLOW_BYTES);
	(void)setsockopt(mnl_socket_get_fd(nl->command), SOL_SOCKET, SO_RCVTIMEO, &limit,
			 sizeof limit);
	return VD_OK;
}

static enum vd_err open_all(struct cp_netlink *nl, struct cp_loop *loop)
{
	enum vd_err err = open_sockets(nl);

	if (!err)
		err = cp_timer_new(loop, on_asks, nl, &nl->asks);
	if (!err)
		err = cp_timer_new(loop, on_resync, nl, &nl->resync);
	if (!err)
		err =
		    cp_watch_new(loop, mnl_socket_get_fd(nl->follow), on_readable, nl, &nl->watch);
	return err ? err : dump_all(nl);
}

enum vd_err cp_netlink_open(struct cp_loop *loop, struct cp_netmap *map, cp_loop_fn changed,
			    void *context, struct cp_netlink **netlink_out)
{
	struct cp_netlink *nl = (struct cp_netlink *)calloc(1, sizeof *nl);
	enum vd_err err;
	int saved;

	if (!nl)
		return VD_ENOMEM;
	nl->map = map;
	nl->changed = changed;
	nl->context = context;
	err = open_all(nl, loop);
	if (err) {
		saved = errno;
		cp_netlink_close(nl);
		errno = saved;
		return err;
	}
	nl->told = cp_netmap_version(map);
	tell(nl);
	*netlink_out = nl;
	return VD_OK;
}

void cp_netlink_close(struct cp_netlink *nl)
{
	if (!nl)
		return;
	cp_watch_free(nl->watch);
	cp_timer_free(nl->asks);
	cp_timer_free(nl->resync);
	if (nl->follow)
		mnl_socket_close(nl->follow);
	if (nl->command)
		mnl_socket_close(nl->command);
	free(nl);
}

/* ---- changes ---- */

static enum vd_err change_route(struct cp_netlink *nl, uint16_t type, uint16_t flags,
				uint32_t ifindex, const uint8_t ip[16])
{
	_Alignas(8) char buffer[256] = { 0 };
	struct nlmsghdr *message = request(nl, buffer, type, flags | NLM_F_ACK);
	struct rtmsg *info =
	    (struct rtmsg *)mnl_nlmsg_put_extra_header(message, sizeof(struct rtmsg));

	info->rtm_family = AF_INET6;
	info->rtm_dst_len = 128;
	info->rtm_table = RT_TABLE_MAIN;
	info->rtm_protocol = RTPROT_STATIC;
	info->rtm_scope = RT_SCOPE_UNIVERSE;
	info->rtm_type = RTN_UNICAST;
	mnl_attr_put(message, RTA_DST, 16, ip);
	mnl_attr_put_u32(message, RTA_OIF, ifindex);
	return send_request(nl, message);
}

enum vd_err cp_netlink_route_add(struct cp_netlink *nl, uint32_t ifindex, const uint8_t ip[16])
{
	return change_route(nl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, ifindex, ip);
}

enum vd_err cp_netlink_route_del(struct cp_netlink *nl, uint32_t ifindex, const uint8_t ip[16])
{
	enum vd_err err = change_route(nl, RTM_DELROUTE, 0, ifindex, ip);

	return err && (errno == ESRCH || errno == ENODEV) ? VD_OK : err;
}

enum vd_err cp_netlink_set_mtu(struct cp_netlink *nl, uint32_t ifindex, uint32_t mtu)
{
	_Alignas(8) char buffer[256] = { 0 };
	struct nlmsghdr *message = request(nl, buffer, RTM_NEWLINK, NLM_F_ACK);
	struct ifinfomsg *info =
	    (struct ifinfomsg *)mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));

	info->ifi_index = (int)ifindex;
	mnl_attr_put_u32(message, IFLA_MTU, mtu);
	return send_request(nl, message);
}
