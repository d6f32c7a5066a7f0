/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* run: the loop of a host, when it has one of its own, and SIGPIPE. */
#include "controlplane/host/host_state.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

/* ---- life ---- */

enum vd_err host_loop_init(struct host *host, uv_loop_t *given)
{
	host->loop = given;
	if (given)
		return VD_OK;
	host->own_loop = malloc(sizeof *host->own_loop);
	if (!host->own_loop)
		return VD_ENOMEM;
	if (uv_loop_init(host->own_loop)) {
		free(host->own_loop);
		host->own_loop = NULL;
		return VD_ESYS;
	}
	host->loop = host->own_loop;
	return VD_OK;
}

static void close_left(uv_handle_t *handle, void *context)
{
	(void)context;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

void host_loop_fini(struct host *host)
{
	if (!host->own_loop)
		return;
	uv_walk(host->own_loop, close_left, NULL);
	while (uv_loop_close(host->own_loop) == UV_EBUSY)
		uv_run(host->own_loop, UV_RUN_ONCE);
	free(host->own_loop);
}

/* ---- running ---- */

/* libuv writes to sockets with write(2), which raises SIGPIPE when the peer is gone. */
struct host_no_pipe host_pipe_block(void)
{
	struct host_no_pipe no_pipe;
	sigset_t pipe, pending;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &pipe, &no_pipe.before);
	no_pipe.waited = sigismember(&pending, SIGPIPE) == 1;
	return no_pipe;
}

/* What came meanwhile is ours, unless one waited before. */
void host_pipe_unblock(const struct host_no_pipe *no_pipe)
{
	const struct timespec at_once = { 0 };
	sigset_t pipe;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	if (!no_pipe->waited)
		sigtimedwait(&pipe, NULL, &at_once);
	pthread_sigmask(SIG_SETMASK, &no_pipe->before, NULL);
}

void host_run(struct host *host)
{
	struct host_no_pipe no_pipe = host_pipe_block();

	uv_run(host->loop, UV_RUN_DEFAULT);
	host_pipe_unblock(&no_pipe);
}

void host_stop(struct host *host)
{
	uv_stop(host->loop);
}

struct uv_loop_s *host_loop(const struct host *host)
{
	return host->loop;
}
