/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* network: a private network's key around all that its host's sockets carry. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "controlplane/host/host_state.h"

/* ---- of a host ---- */

enum vd_err host_network_init(struct host *host, const struct host_config *config)
{
	if (!config->network_key)
		return VD_OK;
	host->network = calloc(1, sizeof *host->network);
	if (!host->network)
		return VD_ENOMEM;
	host->network->key = *config->network_key;
	snprintf(host->network->name, sizeof host->network->name, "%s",
		 config->network ? config->network : "private");
	return VD_OK;
}

void host_network_fini(struct host *host)
{
	if (host->network)
		pnet_key_fini(&host->network->key);
	free(host->network);
	host->network = NULL;
}

const char *host_network_name(const struct host *host)
{
	return host->network ? host->network->name : "";
}

/* ---- of a connection ---- */

enum vd_err host_network_join(struct host_conn *conn)
{
	uint8_t nonce[PNET_NONCE];

	if (!conn->host->network)
		return VD_OK;
	conn->pnet = malloc(sizeof *conn->pnet);
	if (!conn->pnet)
		return VD_ENOMEM;
	randombytes_buf(nonce, sizeof nonce);
	pnet_init(conn->pnet, &conn->host->network->key, nonce);
	return VD_OK;
}

void host_network_leave(struct host_conn *conn)
{
	if (conn->pnet)
		pnet_fini(conn->pnet);
	free(conn->pnet);
	conn->pnet = NULL;
}

struct vd_bytes host_network_open(struct host_conn *conn, uint8_t *wire, size_t len)
{
	return conn->pnet ? pnet_open(conn->pnet, wire, len) : vd_bytes(wire, len);
}

struct vd_bytes host_network_seal(struct host_conn *conn, struct vd_bytes out, size_t *took_out)
{
	*took_out = out.len;
	if (!conn->pnet)
		return out;
	return pnet_seal(conn->pnet, out, conn->host->network->sealed, HOST_SEALED_BYTES, took_out);
}

/*
 * With another key what comes is noise, which is no multistream header; and a side that finds
 * that out first hangs up.
 */
const char *host_network_why(struct host_conn *conn, enum vd_err err, const char *why)
{
	bool broke = vd_err_class(err) == VD_CLASS_PEER;

	if (!conn->pnet || !conn->established || conn->machine.outer.greeted)
		return why;
	if (err == VD_ELINK_TIMEOUT)
		return "it said nothing in time, as one may that has another network's key; give "
		       "both sides the same key file";
	if (!broke && err != VD_ELINK_CLOSED)
		return why;
	conn->host->counters.wrong_network++;
	return broke ? "its first bytes make no multistream header, so it has another network's "
		       "key, or none; give both sides the same key file"
		     : "it hung up before its first line, as one does that has another network's "
		       "key, or none; give both sides the same key file";
}
