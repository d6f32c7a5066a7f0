/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "dataplane/dataplane.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mempool.h>

#include "base/capabilities.h"
#include "dataplane/buffer.h"
#include "dataplane/eal.h"
#include "dataplane/port.h"
#include "dataplane/room.h"
#include "dataplane/tun.h"
#include "dataplane/worker.h"

enum { MEMORY_SLACK_MB = 48 }; /* rings, drivers, EAL itself, with normal pages */

struct runner {
	struct dp *dp;
	struct dp_worker *worker;
	pthread_t thread;
	unsigned number;
	bool running;
	int cpu;         /* to be pinned to; -1: not pinned */
	sem_t ready;     /* posted once registered, or not */
	bool registered; /* written before ready is posted */
};

struct dp {
	struct dp_config config;
	struct sw_plane *plane;
	struct rte_mempool *pool;
	uint16_t room; /* of its buffers */
	unsigned port_count;
	struct dp_port *ports[DP_PORTS_MAX];
	bool has_tun;
	struct dp_tun tun;
	struct runner *runners; /* [workers] */
	_Atomic bool stop;      /* writer: control; readers: workers */
};

/* ---- open and close ---- */

ON_CONTROL static enum vd_err open_pool(struct dp *dp, char why[DP_WHY])
{
	static unsigned made; /* names are unique in the process */
	unsigned count = dp_buffers_needed(&dp->config);
	char name[32];

	snprintf(name, sizeof name, "viaduct%u", made++);
	dp_eal_listen();
	dp->pool = dp_buffers_new(name, count, dp->room);
	if (dp->pool)
		return VD_OK;
	snprintf(why, DP_WHY,
		 "no memory for %u packet buffers (%u MB): %s; use fewer workers or "
		 "ports, or give more (huge pages, or dataplane.memory_mb)",
		 count, dp_buffers_mb(count, dp->room), rte_strerror(rte_errno));
	return VD_ENOMEM;
}

ON_CONTROL static enum vd_err open_ports(struct dp *dp, char why[DP_WHY])
{
	enum vd_err err = VD_OK;

	for (unsigned i = 0; i < dp->config.port_count && !err; i++) {
		const struct dp_port_setup setup = {
			.config = &dp->config,
			.port = &dp->config.ports[i],
			.pool = dp->pool,
			.number = (uint8_t)i,
		};
		err = setup.port->driver == DP_DRIVER_UDP
			  ? dp_port_udp_open(&setup, &dp->ports[i], why)
			  : dp_port_dpdk_open(&setup, &dp->ports[i], why);
		if (!err)
			dp->port_count++;
	}
	return err;
}

ON_CONTROL static enum vd_err open_workers(struct dp *dp)
{
	dp->runners = calloc(dp->config.workers, sizeof *dp->runners);
	if (!dp->runners)
		return VD_ENOMEM;
	for (unsigned i = 0; i < dp->config.workers; i++) {
		const struct dp_worker_config config = {
			.plane = dp->plane,
			.number = i,
			.pool = dp->pool,
			.ports = dp->ports,
			.port_count = dp->port_count,
			.tun = dp->has_tun ? &dp->tun : NULL,
			.poll = dp->config.poll,
		};
		dp->runners[i].dp = dp;
		dp->runners[i].number = i;
		sem_init(&dp->runners[i].ready, 0, 0);
		if (dp_worker_new(&config, &dp->runners[i].worker))
			return VD_ENOMEM;
	}
	return VD_OK;
}

ON_CONTROL static enum vd_err open_all(struct dp *dp, char why[DP_WHY])
{
	unsigned memory;
	enum vd_err err;

	dp->room = dp_room_needed(&dp->config);
	memory = dp_buffers_mb(dp_buffers_needed(&dp->config), dp->room) * 5 / 4 + MEMORY_SLACK_MB;
	err = dp_eal_open(&dp->config, memory, why);

	if (!err)
		err = open_pool(dp, why);
	if (!err)
		err = open_ports(dp, why);
	if (!err && dp->config.tun) {
		err = dp_tun_open(&dp->tun, &dp->config, dp_room_tun_mtu(dp->room), why);
		dp->has_tun = !err;
	}
	if (!err)
		err = open_workers(dp);
	return err;
}

static enum vd_err check(const struct dp_config *config, const struct sw_plane *plane,
			 char why[DP_WHY])
{
	if (config->workers == 0 || config->workers > SW_WORKERS_MAX ||
	    config->workers != plane->config.workers) {
		snprintf(why, DP_WHY, "dataplane.workers is %u: 1 to %d are possible",
			 config->workers, SW_WORKERS_MAX);
		return VD_EUSER;
	}
	if (config->port_count > DP_PORTS_MAX) {
		snprintf(why, DP_WHY, "%u ports are configured: at most %d are possible",
			 config->port_count, DP_PORTS_MAX);
		return VD_EUSER;
	}
	return VD_OK;
}

enum vd_err dp_open(const struct dp_config *config, struct sw_plane *plane, struct dp **dp_out,
		    char why[DP_WHY])
{
	struct dp *dp;
	enum vd_err err;

	snprintf(why, DP_WHY, "no memory");
	err = check(config, plane, why);
	if (err)
		return err;
	dp = calloc(1, sizeof *dp);
	if (!dp)
		return VD_ENOMEM;
	dp->config = *config;
	dp->plane = plane;
	err = open_all(dp, why);
	if (err) {
		dp_close(dp);
		return err;
	}
	*dp_out = dp;
	return VD_OK;
}

void dp_close(struct dp *dp)
{
	if (!dp)
		return;
	dp_stop(dp);
	for (unsigned i = 0; dp->runners && i < dp->config.workers; i++) {
		dp_worker_free(dp->runners[i].worker);
		sem_destroy(&dp->runners[i].ready);
	}
	free(dp->runners);
	if (dp->has_tun)
		dp_tun_close(&dp->tun);
	for (unsigned i = 0; i < dp->port_count; i++)
		dp->ports[i]->ops->close(dp->ports[i]);
	rte_mempool_free(dp->pool);
	free(dp);
}

/* ---- start and stop ---- */

static void name_and_pin(const struct runner *runner)
{
	cpu_set_t set;
	char name[16];

	snprintf(name, sizeof name, "vd-worker-%u", runner->number % 1000);
	(void)pthread_setname_np(pthread_self(), name);
	if (runner->cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET((unsigned)runner->cpu, &set);
	(void)pthread_setaffinity_np(pthread_self(), sizeof set, &set); /* a help, no need */
}

static void *worker_main(void *argument)
{
	struct runner *runner = argument;

	vd_role_worker();
	vd_drop_capabilities(); /* it parses what strangers send */
	name_and_pin(runner);
	runner->registered = rte_thread_register() == 0;
	bool registered = runner->registered;
	sem_post(&runner->ready);
	if (!registered)
		return NULL;
	rcu_register_thread();
	dp_worker_run(runner->worker, &runner->dp->stop);
	rcu_unregister_thread();
	rte_thread_unregister();
	return NULL;
}

/* Polling workers get a CPU each when there is one for every worker. */
static void choose_cpus(struct dp *dp)
{
	cpu_set_t set;
	unsigned next = 0;

	for (unsigned i = 0; i < dp->config.workers; i++)
		dp->runners[i].cpu = -1;
	if (!dp->config.poll || sched_getaffinity(0, sizeof set, &set) ||
	    (unsigned)CPU_COUNT(&set) < dp->config.workers)
		return;
	/* from the last one down: CPU 0 has most of the machine's other work */
	for (unsigned cpu = CPU_SETSIZE; cpu-- > 0 && next < dp->config.workers;)
		if (CPU_ISSET(cpu, &set))
			dp->runners[next++].cpu = (int)cpu;
}

static bool start_one(struct runner *runner)
{
	if (pthread_create(&runner->thread, NULL, worker_main, runner))
		return false;
	runner->running = true;
	while (sem_wait(&runner->ready) && errno == EINTR)
		;
	return runner->registered;
}

enum vd_err dp_start(struct dp *dp, char why[DP_WHY])
{
	sigset_t all, before;
	bool started = true;

	atomic_store_explicit(&dp->stop, false, memory_order_release);
	choose_cpus(dp);
	sigfillset(&all); /* signals are the control thread's */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned i = 0; i < dp->config.workers && started; i++)
		started = start_one(&dp->runners[i]);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (started)
		return VD_OK;
	dp_stop(dp);
	snprintf(why, DP_WHY,
		 "worker threads do not start: raise the limit on processes, or use "
		 "fewer workers (DPDK knows %d threads)",
		 RTE_MAX_LCORE);
	return VD_ESYS;
}

void dp_stop(struct dp *dp)
{
	atomic_store_explicit(&dp->stop, true, memory_order_release);
	for (unsigned i = 0; dp->runners && i < dp->config.workers; i++) {
		struct runner *runner = &dp->runners[i];
		if (!runner->running)
			continue;
		sw_wake_up(&dp->plane->worker_wakes[i]);
		pthread_join(runner->thread, NULL);
		runner->running = false;
	}
}

/* ---- views ---- */

unsigned dp_tun_ifindex(const struct dp *dp)
{
	return dp->has_tun ? dp->tun.ifindex : 0;
}

uint16_t dp_tun_mtu_max(const struct dp *dp)
{
	return dp_room_tun_mtu(dp->room);
}

uint64_t dp_tun_overflows(const struct dp *dp)
{
	return dp->has_tun ? dp_tun_dropped(&dp->tun) : 0;
}

unsigned dp_port_count(const struct dp *dp)
{
	return dp->port_count;
}

void dp_port_view(const struct dp *dp, unsigned port, struct dp_port_view *view_out)
{
	const struct dp_port *p = dp->ports[port];

	*view_out = (struct dp_port_view){ .driver = p->ops->driver };
	snprintf(view_out->name, sizeof view_out->name, "%s", p->name);
	p->ops->view(p, view_out);
}
