/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* load_identity: many peers, each with its key and what its connections share. */
#include <stdlib.h>
#include <time.h>

#include "bench/load_state.h"
#include "controlplane/proto/yamux.h"

static const char *const muxer_names[] = { "/yamux/1.0.0", NULL };

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

/* Ends of streams go at once: what is measured has to see them before the connection's. */
static struct muxer *make_yamux(const void *unused, bool dialer, vd_ns now)
{
	struct yamux_config config = yamux_defaults;

	(void)unused;
	config.fin_delay = 0;
	return yamux_new(&config, dialer ? YAMUX_CLIENT : YAMUX_SERVER, now);
}

static bool make(struct load_identity *it, bool tls)
{
	struct connection_security *security = &it->layers.securities[0];

	vd_identity_generate(&it->identity);
	it->security = (struct security_config){ .identity = &it->identity, .muxers = muxer_names };
	if (tls)
		it->tls = tls_stream_config_new(&it->security, time(NULL));
	else
		noise_stream_config_init(&it->noise, &it->security);
	*security = tls ? (struct connection_security){ "/tls/1.0.0", make_tls, it->tls }
			: (struct connection_security){ "/noise", make_noise, &it->noise };
	it->layers.security_names[0] = security->protocol;
	it->layers.muxers[0] = (struct connection_muxer){ muxer_names[0], make_yamux, NULL };
	it->layers.muxer_names[0] = muxer_names[0];
	return !tls || it->tls;
}

struct load_identity *load_identities_new(uint32_t count, bool tls)
{
	struct load_identity *identities = calloc(count, sizeof *identities);
	bool ok = identities != NULL;

	for (uint32_t i = 0; ok && i < count; i++)
		ok = make(&identities[i], tls);
	if (!ok) {
		load_identities_free(identities, count);
		return NULL;
	}
	return identities;
}

void load_identities_free(struct load_identity *identities, uint32_t count)
{
	for (uint32_t i = 0; identities && i < count; i++) {
		tls_stream_config_free(identities[i].tls);
		noise_stream_config_fini(&identities[i].noise);
		vd_identity_fini(&identities[i].identity);
	}
	free(identities);
}
