/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* libviaduct in a program: hosts of their own, and nothing of the process is changed. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <locale.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>
#include <viaduct/host.h>
#include <viaduct/identified.h>
#include <viaduct/limits.h>
#include <viaduct/version.h>

static struct host *new_host(void)
{
	struct host_config config = { 0 };
	struct host *host;

	cr_assert(eq(int, host_new(&config, &host), VD_OK));
	return host;
}

static void listen_on_loopback(struct host *host, char address[VD_MULTIADDR_TEXT])
{
	char why[HOST_WHY];

	cr_assert(eq(int, host_listen_text(host, "/ip4/127.0.0.1/tcp/0", why), VD_OK));
	cr_assert(host_address_text(host, 0, address) == address);
}

/* ---- two hosts, each on a loop of its own, on a thread of its own ---- */

struct listener {
	pthread_t thread;
	sem_t ready;
	char address[VD_MULTIADDR_TEXT];
	uv_async_t stop;
	struct host *host;
};

static void on_stop(uv_async_t *stop)
{
	host_stop(((struct listener *)stop->data)->host);
}

static void *listen_thread(void *arg)
{
	struct listener *listener = arg;

	listener->host = new_host();
	listen_on_loopback(listener->host, listener->address);
	uv_async_init(host_loop(listener->host), &listener->stop, on_stop);
	listener->stop.data = listener;
	sem_post(&listener->ready);
	host_run(listener->host);
	host_free(listener->host);
	return NULL;
}

static void listener_start(struct listener *listener)
{
	sem_init(&listener->ready, 0, 0);
	cr_assert(eq(int, pthread_create(&listener->thread, NULL, listen_thread, listener), 0));
	while (sem_wait(&listener->ready))
		;
}

static void listener_stop(struct listener *listener)
{
	uv_async_send(&listener->stop);
	pthread_join(listener->thread, NULL);
	sem_destroy(&listener->ready);
}

static vd_ns measured;

static void on_pong(void *context, enum vd_err err, vd_ns rtt)
{
	cr_assert(eq(int, err, VD_OK));
	measured = rtt;
	host_stop(context);
}

static void on_dialled(void *context, struct host_conn *conn, enum vd_err err, const char *why)
{
	cr_assert(eq(int, err, VD_OK), "%s", why);
	cr_assert(eq(int, host_ping(conn, on_pong, context), VD_OK));
}

static void ping_from_a_new_host(const char *address)
{
	struct host *host = new_host();

	measured = 0;
	cr_assert(eq(int, host_dial_text(host, address, on_dialled, host), VD_OK));
	host_run(host);
	cr_assert(gt(u64, measured, 0));
	host_free(host);
}

Test(library, two_hosts_run_on_two_threads)
{
	struct listener listener;

	listener_start(&listener);
	ping_from_a_new_host(listener.address);
	ping_from_a_new_host(listener.address); /* another peer */
	listener_stop(&listener);
}

static void on_pong_shared(void *context, enum vd_err err, vd_ns rtt)
{
	measured = err ? 0 : rtt;
	uv_stop(context);
}

static void on_dialled_shared(void *context, struct host_conn *conn, enum vd_err err,
			      const char *why)
{
	cr_assert(eq(int, err, VD_OK), "%s", why);
	cr_assert(eq(int, host_ping(conn, on_pong_shared, context), VD_OK));
}

Test(library, two_hosts_share_a_loop_of_the_program)
{
	struct host_config config = { 0 };
	char address[VD_MULTIADDR_TEXT];
	struct host *one, *two;
	uv_loop_t loop;

	signal(SIGPIPE, SIG_IGN);
	uv_loop_init(&loop);
	config.loop = &loop;
	cr_assert(eq(int, host_new(&config, &one), VD_OK));
	cr_assert(eq(int, host_new(&config, &two), VD_OK));
	cr_assert(host_loop(one) == &loop);
	listen_on_loopback(one, address);
	cr_assert(eq(int, host_dial_text(two, address, on_dialled_shared, &loop), VD_OK));
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_assert(gt(u64, measured, 0));
	host_free(one);
	host_free(two);
	cr_assert(eq(int, uv_loop_close(&loop), 0)); /* nothing is left on it */
}

/* ---- limits of the program's, and what peers tell ---- */

struct guest {
	struct host *host;
	bool told, refused;
};

static void on_identified(void *context, struct host_conn *conn, struct vd_bytes told)
{
	struct guest *guest = context;
	struct host_identified peer;
	struct vd_multiaddr address;

	cr_assert(eq(int, host_identified_read(conn, told, &peer), VD_OK));
	cr_assert(host_identified_speaks(&peer, "/ipfs/ping/1.0.0"));
	cr_assert(peer.is_signed && peer.address_count == 1);
	cr_assert(eq(int, vd_multiaddr_of_bytes(peer.addresses[0], &address), VD_OK));
	guest->told = true;
	host_stop(guest->host);
}

static void on_closed(void *context, struct host_conn *conn, enum vd_err err, const char *why)
{
	(void)context;
	(void)conn;
	cr_assert(eq(int, err, VD_OK), "%s", why);
}

/* A program may find out about a full server only by its silence: the socket is closed. */
static void on_refused(void *context, struct host_conn *conn, enum vd_err err, const char *why)
{
	struct guest *guest = context;

	cr_assert(conn == NULL && err != VD_OK, "%s", why);
	guest->refused = true;
	host_stop(guest->host);
}

static void on_dialled_silent(void *context, struct host_conn *conn, enum vd_err err,
			      const char *why)
{
	(void)context;
	cr_assert(conn != NULL && err == VD_OK, "%s", why);
}

static struct host *new_guest(uv_loop_t *loop, struct guest *guest)
{
	struct host_config config = { .loop = loop };

	config.events.identified = on_identified;
	config.events.closed = on_closed;
	config.events.context = guest;
	cr_assert(eq(int, host_new(&config, &guest->host), VD_OK));
	return guest->host;
}

Test(library, limits_are_the_programs_and_what_peers_tell_can_be_read)
{
	struct host_limits_config few = { .connections = 1 };
	struct host_config config = { 0 };
	struct guest first = { 0 }, second = { 0 };
	char address[VD_MULTIADDR_TEXT];
	struct host_limits *limits;
	struct host *server;
	uv_loop_t loop;

	signal(SIGPIPE, SIG_IGN);
	uv_loop_init(&loop);
	cr_assert(eq(int, host_limits_new(&few, &limits), VD_OK));
	config.loop = &loop;
	config.limits = limits;
	cr_assert(eq(int, host_new(&config, &server), VD_OK));
	cr_assert(host_limits(server) == limits);
	listen_on_loopback(server, address);
	cr_assert(eq(int,
		     host_dial_text(new_guest(&loop, &first), address, on_dialled_silent, NULL),
		     VD_OK));
	host_run(first.host);
	cr_assert(first.told);
	cr_assert(eq(u32, host_limits_used(limits).connections[0], 1));
	cr_assert(eq(int, host_dial_text(new_guest(&loop, &second), address, on_refused, &second),
		     VD_OK));
	host_run(second.host);
	cr_assert(second.refused && !second.told);
	cr_assert(eq(u64, host_limits_blocked(limits, HOST_LIMIT_CONNECTIONS), 1));
	host_free(first.host);
	host_free(second.host);
	host_free(server);
	host_limits_free(limits);
	cr_assert(eq(int, uv_loop_close(&loop), 0));
}

/* ---- what a library must leave alone ---- */

static unsigned entries(const char *folder)
{
	DIR *dir = opendir(folder);
	unsigned count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

struct process {
	unsigned threads, files;
	sighandler_t handlers[NSIG];
	bool blocked[NSIG];
	mode_t umask;
	char locale[64], folder[512];
};

static void look(struct process *out)
{
	sigset_t mask;

	memset(out, 0, sizeof *out);
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	out->threads = entries("/proc/self/task");
	out->files = entries("/proc/self/fd");
	for (int i = 1; i < NSIG; i++) {
		struct sigaction action = { .sa_handler = SIG_ERR };

		sigaction(i, NULL, &action);
		out->handlers[i] = action.sa_handler;
		out->blocked[i] = sigismember(&mask, i) == 1;
	}
	out->umask = umask(0);
	umask(out->umask);
	snprintf(out->locale, sizeof out->locale, "%s", setlocale(LC_ALL, NULL));
	cr_assert(getcwd(out->folder, sizeof out->folder) != NULL);
}

/* A connection from its first byte to its last. */
static void live_once(struct process *during)
{
	struct listener listener;
	struct host *host;

	listener_start(&listener);
	ping_from_a_new_host(listener.address);
	host = new_host();
	look(during);
	host_free(host);
	listener_stop(&listener);
}

Test(library, a_host_leaves_the_process_as_it_was)
{
	static struct process before, during, after;

	live_once(&during); /* what libraries make once is made */
	look(&before);
	live_once(&during);
	look(&after);
	cr_assert(eq(uint, during.threads, before.threads + 1)); /* the listener's, ours */
	cr_assert(eq(int, memcmp(before.handlers, during.handlers, sizeof before.handlers), 0));
	cr_assert(eq(uint, after.threads, before.threads));
	cr_assert(eq(uint, after.files, before.files));
	cr_assert(eq(int, memcmp(before.handlers, after.handlers, sizeof before.handlers), 0));
	cr_assert(eq(int, memcmp(before.blocked, after.blocked, sizeof before.blocked), 0));
	cr_assert(eq(uint, after.umask, before.umask));
	cr_assert(eq(str, after.locale, before.locale));
	cr_assert(eq(str, after.folder, before.folder));
}

static int broken_pipe;

static void write_to_nobody(uv_timer_t *timer)
{
	cr_assert(eq(long, write(broken_pipe, "", 1), -1));
	host_stop(timer->data);
}

static atomic_int pipes_heard;

static void on_pipe(int number)
{
	(void)number;
	pipes_heard++;
}

Test(library, a_loop_of_its_own_raises_no_sigpipe)
{
	struct host *host = new_host();
	sigset_t pending;
	uv_timer_t timer;
	int ends[2];

	signal(SIGPIPE, on_pipe);
	cr_assert(eq(int, pipe(ends), 0));
	close(ends[0]);
	broken_pipe = ends[1];
	uv_timer_init(host_loop(host), &timer);
	timer.data = host;
	uv_timer_start(&timer, write_to_nobody, 0, 0);
	host_run(host);
	host_free(host); /* closes the timer, too */
	sigpending(&pending);
	cr_assert(not(sigismember(&pending, SIGPIPE)));
	cr_assert(eq(int, pipes_heard, 0));
	raise(SIGPIPE); /* the program's own again */
	cr_assert(eq(int, pipes_heard, 1));
}

Test(library, header_and_library_agree_on_their_version)
{
	cr_assert(eq(str, (char *)vd_version(), VD_VERSION));
	cr_assert(eq(uint, vd_version_number(), VD_VERSION_NUMBER));
}
