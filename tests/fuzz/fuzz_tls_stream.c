/* Targets: controlplane/proto/tls_stream.c: our use of OpenSSL, from the first byte on */
/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdlib.h>

#include "base/init.h"
#include "controlplane/proto/tls_stream.h"

/* The first byte chooses: 0 bytes to a server, 1 to a client, 2 to an open channel; and the cut. */
static struct vd_identity identity;
static const char *const muxers[] = { "/yamux/1.0.0", NULL };
static const struct security_config security = { &identity, muxers };
static struct tls_stream_config *config;

static const int64_t now = 1700000000;

static void expect(bool holds)
{
	if (!holds)
		abort();
}

static bool carry(struct security *from, struct security *to)
{
	struct vd_bytes out = security_next_output(from);
	size_t used;

	if (!out.len)
		return false;
	expect(security_receive(to, out, &used) == VD_OK && used == out.len);
	security_sent(from, out.len);
	return true;
}

static void feed(struct security *s, struct vd_bytes in, size_t piece)
{
	enum vd_err err = VD_OK;

	while (in.len && !err) {
		size_t len = in.len < piece ? in.len : piece, used;

		err = security_receive(s, vd_bytes(in.at, len), &used);
		expect(used <= len);
		expect(!err || (s->state == SECURITY_FAILED && s->reason));
		if (used == 0) {
			security_taken(s, security_input(s).len);
			security_sent(s, security_next_output(s).len);
		}
		in = vd_bytes(in.at + used, in.len - used);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || vd_init())
		return 0;
	if (!config) {
		vd_identity_generate(&identity);
		config = tls_stream_config_new(&security, now);
	}

	struct security *client = tls_stream_new(config, TLS_CLIENT, NULL, now);
	struct security *server = tls_stream_new(config, TLS_SERVER, NULL, now);
	unsigned how = data[0] & 3;

	if (how >= 2)
		while (carry(client, server) || carry(server, client))
			;
	feed(how == 1 ? client : server, vd_bytes(data + 1, size - 1),
	     data[0] & 4 ? 1 + (size_t)(data[0] >> 3) : SIZE_MAX);
	security_free(client);
	security_free(server);
	return 0;
}
