/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * environment: what the libp2p project's transport tests tell a program, by environment variables.
 *
 *	variable of unified-testing   of test-plans, before it   value
 *	TRANSPORT                     transport                  tcp
 *	SECURE_CHANNEL                security                   noise, tls
 *	MUXER                         muxer                      yamux
 *	IS_DIALER                     is_dialer                  true, false
 *	LISTENER_IP                   ip                         where to listen; 0.0.0.0 without
 *	REDIS_ADDR                    redis_addr                 HOST:PORT; redis:6379 without
 *	TEST_KEY                      (none)                     begins the test's key in Redis
 *	TEST_TIMEOUT_SECS             test_timeout_seconds       180 without
 *	DEBUG                         (none)                     true: tell more on standard error
 *
 * (unified-testing docs/write-a-transport-test-app.md; test-plans transport-interop/README.md.)
 * A program that finds TEST_KEY is in the newer one. Which of the two decides the key and how
 * results are printed as well.
 *
 * Memory: borrows the environment; it must stay.
 */
#include <stdbool.h>
#include <stdint.h>

enum { ENVIRONMENT_WHY = 200 };

struct environment {
	bool dialer, older, debug;
	const char *security;
	const char *listen_ip;
	char redis_host[256];
	uint16_t redis_port;
	char key[128]; /* of the list in Redis that has the listener's address */
	uint32_t timeout_s;
};

/* False when a variable is missing or names what we do not have; `why` says which. */
bool environment_read(struct environment *environment_out, char why[ENVIRONMENT_WHY]);
