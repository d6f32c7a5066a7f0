/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "dataplane/dataplane.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/init.h"
#include "base/time.h"
#include "dataplane/room.h"
#include "switch/outer.h"

/* Two UDP ports on loopback, with threads that run. */
struct running {
	struct sw_plane plane;
	struct dp *dp;
	struct vd_udp_addr ends[2];
};

static struct dp_config config_of(unsigned workers)
{
	struct dp_config config = { .workers = workers, .no_huge = true, .port_count = 2 };

	for (unsigned i = 0; i < 2; i++) {
		snprintf(config.ports[i].name, DP_NAME, "u%u", i);
		config.ports[i].driver = DP_DRIVER_UDP;
		config.ports[i].bind = (struct vd_udp_addr){
			.ip = { [10] = 0xff, 0xff, 127, 0, 0, 1 },
		};
	}
	return config;
}

static void run(struct running *r, unsigned workers, bool poll)
{
	struct dp_config config = config_of(workers);
	const struct sw_plane_config plane = { .workers = workers, .width = 16, .links_max = 16 };
	char why[DP_WHY] = "";

	memset(r, 0, sizeof *r);
	config.poll = poll;
	cr_assert(eq(int, vd_init(), VD_OK));
	cr_assert(eq(int, sw_plane_init(&r->plane, &plane), VD_OK));
	cr_assert(eq(int, dp_open(&config, &r->plane, &r->dp, why), VD_OK), "%s", why);
	for (unsigned i = 0; i < 2; i++) {
		struct dp_port_view view;
		dp_port_view(r->dp, i, &view);
		r->ends[i] = view.bind;
	}
	cr_assert(eq(int, dp_start(r->dp, why), VD_OK), "%s", why);
}

static void end(struct running *r)
{
	dp_stop(r->dp);
	dp_close(r->dp);
	sw_plane_fini(&r->plane);
}

/* From port 0 to port 1, through the kernel. */
static void send(struct running *r, unsigned worker, uint8_t number)
{
	struct sw_inject inject = { .kind = SW_INJECT_DATAGRAM, .len = 2, .bytes = { 4, number } };

	sw_template_build(&inject.send, 0, &r->ends[0], &r->ends[1], 1500, 0);
	cr_assert(eq(uint, sw_lane_push_burst(&r->plane.injects[worker], &inject, 1), 1));
	sw_wake_up(&r->plane.worker_wakes[worker]);
}

/* As the control thread waits: announce, look, sleep until woken. */
static bool await(struct running *r, struct sw_punt *punt)
{
	struct pollfd wait = { .fd = r->plane.control_wake.fd, .events = POLLIN };

	for (unsigned tries = 0; tries < 100; tries++) {
		sw_wake_announce(&r->plane.control_wake);
		for (unsigned i = 0; i < r->plane.config.workers * SW_PUNT_LANES; i++) {
			if (sw_lane_pop_burst(&r->plane.punts[i], punt, 1)) {
				sw_wake_clear(&r->plane.control_wake);
				return true;
			}
		}
		(void)poll(&wait, 1, 100);
		sw_wake_clear(&r->plane.control_wake);
	}
	return false;
}

Test(dataplane, workers_send_receive_and_wake_the_control_thread)
{
	for (unsigned workers = 1; workers <= 2; workers++) {
		struct running r;
		struct sw_punt punt;

		run(&r, workers, false);
		for (uint8_t i = 0; i < 20; i++) {
			send(&r, i % workers, i);
			cr_assert(await(&r, &punt));
			cr_assert(eq(uint, punt.bytes[1], i));
			cr_assert(eq(uint, punt.from.port, 1));
		}
		end(&r);
	}
}

static uint64_t turns(const struct running *r)
{
	return atomic_load_explicit(&r->plane.counters[0].turns, memory_order_relaxed);
}

static uint64_t thread_cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * VD_NS_PER_S + (uint64_t)t.tv_nsec;
}

/* The share of a CPU that the process takes while nothing flows, over half a second. */
Test(dataplane, an_idle_worker_sleeps)
{
	struct running r;
	struct pollfd nothing = { .fd = -1 };
	uint64_t cpu, wall;

	run(&r, 1, false);
	(void)poll(&nothing, 1, 50); /* until it has settled */
	cpu = thread_cpu_ns();
	wall = vd_now();
	(void)poll(&nothing, 1, 500);
	cpu = thread_cpu_ns() - cpu;
	wall = vd_now() - wall;
	end(&r);
	cr_assert(lt(u64, cpu * 50, wall), "CPU %lu of %lu ns", cpu, wall);
}

Test(dataplane, a_sleeping_worker_is_woken_by_an_injection_and_by_a_datagram)
{
	struct running r;
	struct sw_punt punt;
	struct pollfd nothing = { .fd = -1 };

	run(&r, 1, false);
	(void)poll(&nothing, 1, 50);
	send(&r, 0, 7);
	cr_assert(await(&r, &punt));
	cr_assert(eq(uint, punt.bytes[1], 7));
	end(&r);
}

Test(dataplane, a_polling_worker_never_sleeps)
{
	struct running r;
	struct pollfd nothing = { .fd = -1 };
	uint64_t before;

	run(&r, 1, true);
	(void)poll(&nothing, 1, 20);
	before = turns(&r);
	(void)poll(&nothing, 1, 100);
	cr_assert(gt(u64, turns(&r), before + 1000));
	end(&r);
}

Test(dataplane, it_can_be_opened_again_after_it_was_closed)
{
	for (unsigned i = 0; i < 2; i++) {
		struct running r;
		struct sw_punt punt;

		run(&r, 1, false);
		send(&r, 0, 1);
		cr_assert(await(&r, &punt));
		end(&r);
	}
}

Test(dataplane, a_second_port_on_the_same_address_is_refused_and_nothing_is_left)
{
	struct dp_config config = config_of(1);
	const struct sw_plane_config plane_config = { .workers = 1, .width = 16, .links_max = 16 };
	struct sw_plane plane;
	struct dp *dp = NULL;
	char why[DP_WHY] = "";

	cr_assert(eq(int, sw_plane_init(&plane, &plane_config), VD_OK));
	config.ports[0].bind.port = config.ports[1].bind.port = 45017;
	cr_assert(eq(int, dp_open(&config, &plane, &dp, why), VD_ESYS));
	cr_assert(not(zero(ptr, strstr(why, "port u1"))), "%s", why);
	cr_assert(zero(ptr, dp));
	config.port_count = 1;
	cr_assert(eq(int, dp_open(&config, &plane, &dp, why), VD_OK), "%s", why);
	dp_close(dp);
	sw_plane_fini(&plane);
}

Test(dataplane, a_tun_mtu_out_of_range_is_refused)
{
	struct dp_config config = config_of(1);
	const struct sw_plane_config plane_config = { .workers = 1, .width = 0, .links_max = 16 };
	struct sw_plane plane;
	struct dp *dp = NULL;
	char why[DP_WHY] = "";

	cr_assert(eq(int, sw_plane_init(&plane, &plane_config), VD_OK));
	config.tun = true;
	config.tun_mtu = 1279;
	cr_assert(eq(int, dp_open(&config, &plane, &dp, why), VD_EUSER));
	cr_assert(not(zero(ptr, strstr(why, "tun.mtu"))), "%s", why);
	sw_plane_fini(&plane);
}

static struct vd_udp_addr address(uint8_t first, uint8_t second, uint8_t last)
{
	return (struct vd_udp_addr){
		.ip = { [10] = 0xff, [11] = 0xff, [12] = first, [13] = second, [15] = last },
		.port = 4001,
	};
}

Test(dataplane, buffers_are_as_large_as_tun_and_ports_ask)
{
	struct dp_config config = { .port_count = 1, .tun = true, .tun_mtu = 1280 };
	struct vd_udp_addr local = address(127, 0, 1), nobody = address(198, 18, 1);

	config.ports[0] = (struct dp_port_config){ .driver = DP_DRIVER_UDP, .bind = nobody };
	cr_assert(eq(u16, dp_room_needed(&config), DP_ROOM_SMALL));
	config.tun_mtu = 1920;
	cr_assert(eq(u16, dp_room_needed(&config), DP_ROOM_SMALL));
	config.tun_mtu = 1921;
	cr_assert(eq(u16, dp_room_needed(&config), DP_ROOM_JUMBO));
	config.tun_mtu = 1280;
	config.ports[0] = (struct dp_port_config){ .driver = DP_DRIVER_UDP, .bind = local };
	cr_assert(eq(u16, dp_room_needed(&config), DP_ROOM_JUMBO), "the loopback's MTU is 65536");
	config.ports[0] = (struct dp_port_config){ .devargs = "net_af_packet0,iface=lo" };
	cr_assert(eq(u16, dp_room_needed(&config), DP_ROOM_JUMBO));
	config.ports[0] = (struct dp_port_config){ .devargs = "net_af_xdp0,iface=lo" };
	cr_assert(eq(u16, dp_room_needed(&config), DP_ROOM_SMALL), "AF_XDP takes no more");
}

Test(dataplane, a_tun_may_be_as_large_as_its_buffers)
{
	cr_assert(eq(u16, dp_room_tun_mtu(DP_ROOM_SMALL), 1920));
	cr_assert(eq(u16, dp_room_tun_mtu(DP_ROOM_JUMBO), 9000));
}
