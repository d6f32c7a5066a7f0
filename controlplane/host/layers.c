/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * layers: which transport an address gets, and which secure channels and muxers its connections
 * may; the one place of it. One that brings its own of these (QUIC) gets none from here.
 */
#include "controlplane/host/host_state.h"

#include <time.h>

#include "controlplane/host/tcp.h"
#include "controlplane/proto/tls_stream.h"
#include "controlplane/proto/yamux.h"

/* An address gets the first that takes it. */
static const struct transport_class *const transports[] = {
	&tcp_transport,
};

static struct security *make_noise(const void *config, bool dialer,
				   const struct vd_peer_id *expected)
{
	return noise_stream_new(config, dialer ? NOISE_INITIATOR : NOISE_RESPONDER, expected);
}

static struct security *make_tls(const void *config, bool dialer, const struct vd_peer_id *expected)
{
	return tls_stream_new((struct tls_stream_config *)(uintptr_t)config,
			      dialer ? TLS_CLIENT : TLS_SERVER, expected, time(NULL));
}

static struct muxer *make_yamux(const void *config, bool dialer, vd_ns now)
{
	return yamux_new(config, dialer ? YAMUX_CLIENT : YAMUX_SERVER, now);
}

static const struct connection_muxer muxers[] = {
	{ "/yamux/1.0.0", make_yamux, &yamux_defaults },
};

static void add_security(struct host *host, size_t *count,
			 const struct connection_security *security)
{
	host->layers.securities[*count] = *security;
	host->layers.security_names[(*count)++] = security->protocol;
}

static enum vd_err add_transports(struct host *host)
{
	enum vd_err err = VD_OK;

	for (size_t i = 0; !err && i < sizeof transports / sizeof *transports; i++)
		err = host_transport_add(host, transports[i]);
	return err;
}

enum vd_err host_layers_init(struct host *host, const struct host_config *config)
{
	size_t count = 0;

	for (size_t i = 0; i < sizeof muxers / sizeof *muxers; i++) {
		host->layers.muxers[i] = muxers[i];
		host->layers.muxer_names[i] = host->muxer_names[i] = muxers[i].protocol;
	}
	host->security =
	    (struct security_config){ .identity = host->identity, .muxers = host->muxer_names };
	noise_stream_config_init(&host->noise, &host->security);
	if (!config->no_noise)
		add_security(host, &count,
			     &(struct connection_security){ "/noise", make_noise, &host->noise });
	if (!config->no_tls) {
		host->tls = tls_stream_config_new(&host->security, time(NULL));
		if (!host->tls)
			return VD_ENOMEM;
		add_security(host, &count,
			     &(struct connection_security){ "/tls/1.0.0", make_tls, host->tls });
	}
	return count ? add_transports(host) : VD_EUSER;
}

void host_layers_fini(struct host *host)
{
	tls_stream_config_free(host->tls);
	noise_stream_config_fini(&host->noise);
}
