/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Ciphers of sessions where the CPU has no AES: what libsodium says of it is said here. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sodium.h>

#include "controlplane/proto/handshake.h"
#include "controlplane/proto/noise_payload.h"
#include "tests/unit/proto/peering_net.h"

static int cpu_has_aes;

int crypto_aead_aes256gcm_is_available(void)
{
	return cpu_has_aes;
}

/* What message 1 offers, first of all; and how many. */
static uint32_t offered(struct vd_bytes *first_out)
{
	static struct handshake_self self;
	static struct handshake hs;
	static struct vd_identity identity;
	struct handshake_frame frame;
	struct noise_payload payload;

	vd_identity_generate(&identity);
	handshake_self_init(&self, HANDSHAKE_SESSION, &identity, 1, 0, 0);
	cr_assert(eq(int, handshake_start(&hs, &self, 7), VD_OK));
	cr_assert(eq(int, handshake_frame_read(vd_bytes(hs.sent, hs.sent_len), &frame), VD_OK));
	cr_assert(eq(int,
		     noise_payload_read(vd_bytes(frame.noise.at + NOISE_MESSAGE_1_OVERHEAD,
						 frame.noise.len - NOISE_MESSAGE_1_OVERHEAD),
					&payload),
		     VD_OK));
	*first_out = payload.ciphers[0];
	return payload.cipher_count;
}

Test(handshake_cpu, aes_is_offered_first_where_the_cpu_has_it)
{
	struct vd_bytes first;

	cpu_has_aes = 1;
	cr_assert(eq(u32, offered(&first), 2));
	cr_assert(vd_bytes_equal(first, vd_bytes_of_text("AES-256-GCM")));
}

Test(handshake_cpu, aes_is_not_offered_where_the_cpu_lacks_it)
{
	struct vd_bytes first;

	cr_assert(eq(u32, offered(&first), 1));
	cr_assert(vd_bytes_equal(first, vd_bytes_of_text("ChaCha20-Poly1305")));
}

/* Node 0 on a CPU that has AES, node 1 on one that lacks it; who dials. */
static void check_agree(unsigned dialer)
{
	struct net *net = net_new(PEERING_SESSION, 1);

	cpu_has_aes = 1;
	net_start(net, 0);
	cpu_has_aes = 0;
	net_start(net, 1);
	net_dial(net, dialer, 1 - dialer);
	cr_assert(net_run_until(net, net_both_up, VD_SECONDS(1)));
	cr_assert(eq(int, net_current(net, 0, 1)->keys.cipher, VD_CHACHA20_POLY1305));
	cr_assert(net_data(net, 0, 1));
	net_run(net, VD_SECONDS(1));
	cr_assert(eq(u32, net->nodes[1].data_received, 1));
	net_free(net);
}

Test(handshake_cpu, aes_is_not_taken_where_the_cpu_lacks_it)
{
	check_agree(0);
	check_agree(1);
}
