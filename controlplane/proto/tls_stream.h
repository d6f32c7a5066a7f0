/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * tls_stream: libp2p's secure channel `/tls/1.0.0` (libp2p/specs, tls): TLS 1.3 (RFC 8446, by
 * OpenSSL, without its sockets), both sides with a certificate as in tls_certificate, no server
 * name, ALPN `libp2p` and before it the stream muxers (RFC 7301; libp2p/specs,
 * connections/inlined-muxer-negotiation): the client's order decides.
 *
 * It is a `security`: see security.h for calls, threads, ownership and errors. Its own errors:
 * those of tls_certificate_verify; VD_EPEER_AUTH (another peer than was dialled; a record that does
 * not verify), VD_EPEER_FORMAT (what is not TLS 1.3), VD_EPEER_REFUSED (the peer sent an alert),
 * VD_EPEER_UNSUPPORTED (no protocol in common).
 *
 * A client is open before the server has looked at its certificate: a server that refuses it is
 * heard of by VD_EPEER_REFUSED later. security_close sends close_notify.
 */
#include <stdint.h>

#include "controlplane/proto/security.h"

enum tls_role { TLS_CLIENT, TLS_SERVER };

/*
 * What all connections of a host share: certificate and OpenSSL's context, for any thread.
 * `security` is kept by reference. NULL without memory.
 */
struct tls_stream_config *tls_stream_config_new(const struct security_config *security,
						int64_t unix_s);

/* No machine may be left that uses it. NULL is allowed. */
void tls_stream_config_free(struct tls_stream_config *config);

/*
 * A channel at its beginning. `expected`, of whom it has to be (copied), or NULL for anybody;
 * `unix_s`, the time that certificates are held against. NULL without memory.
 */
struct security *tls_stream_new(struct tls_stream_config *config, enum tls_role role,
				const struct vd_peer_id *expected, int64_t unix_s);
