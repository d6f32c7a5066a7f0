/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "bench/load.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/init.h"
#include "bench/machine.h"
#include "bench/measured.h"

static char why[BENCH_WHY];

static struct measured start(const char *security)
{
	struct measured_config config = { .program = BENCH_PEER, .security = security, .core = -1 };
	struct measured measured;

	cr_assert(vd_init() == VD_OK);
	cr_assert(measured_start(&config, &measured, why), "%s", why);
	return measured;
}

static struct load *new_load(const char *target, const char *security, uint32_t identities)
{
	struct load_config config = { .target = target,
				      .tls = strcmp(security, "tls") == 0,
				      .identities = identities };
	struct load *load;

	cr_assert(load_new(&config, &load, why), "%s", why);
	return load;
}

static struct measured_told ask(struct measured *measured)
{
	struct measured_told told;

	cr_assert(measured_ask(measured, &told, why), "%s", why);
	return told;
}

static void transfer(const char *security)
{
	struct measured peer = start(security);
	struct load *load = new_load(peer.address, security, 1);

	cr_assert(load_transfer(load, 3000000, 1, why), "%s", why);
	cr_assert(ask(&peer).received >= 3000000);
	cr_assert(load_transfer(load, 0, 3000000, why), "%s", why);
	cr_assert(ask(&peer).accepted == 2);
	load_free(load);
	measured_end(&peer);
}

Test(load, carries_bytes_both_ways_over_noise)
{
	transfer("noise");
}

Test(load, carries_bytes_both_ways_over_tls)
{
	transfer("tls");
}

Test(load, several_at_once_each_carry_their_bytes)
{
	struct measured_config config = {
		.program = BENCH_PEER, .security = "noise", .core = -1, .threads = 2
	};
	struct measured peer;
	struct load *loads[2];
	struct measured_told told;

	cr_assert(vd_init() == VD_OK);
	cr_assert(measured_start(&config, &peer, why), "%s", why);
	loads[0] = new_load(peer.address, "noise", 1);
	loads[1] = new_load(peer.address, "noise", 1);
	cr_assert(
	    load_transfer_together(loads, 2, machine_last_core(), false, 3000000, 2000000, why),
	    "%s", why);
	told = ask(&peer);
	cr_assert(told.accepted == 2);
	cr_assert(told.received >= 2 * 3000000);
	load_free(loads[0]);
	load_free(loads[1]);
	measured_end(&peer);
}

Test(load, one_of_several_that_fails_is_told)
{
	struct measured peer = start("noise");
	struct load *loads[2] = { new_load(peer.address, "noise", 1),
				  new_load(peer.address, "tls", 1) };

	cr_assert(!load_transfer_together(loads, 2, machine_last_core(), false, 1, 1, why));
	cr_assert(why[0] != '\0');
	load_free(loads[0]);
	load_free(loads[1]);
	measured_end(&peer);
}

Test(load, handshakes_are_counted_on_both_sides_and_closed)
{
	struct measured peer = start("noise");
	struct load *load = new_load(peer.address, "noise", 8);

	cr_assert(load_connect(load, 20, 4, false, why), "%s", why);
	cr_assert(ask(&peer).accepted == 20);
	cr_assert(ask(&peer).open == 0);
	load_free(load);
	measured_end(&peer);
}

Test(load, connections_are_kept_until_it_is_freed)
{
	struct measured peer = start("tls");
	struct load *load = new_load(peer.address, "tls", 20);

	cr_assert(load_connect(load, 20, 4, true, why), "%s", why);
	cr_assert(load_idle(load, VD_MS(50), why), "%s", why);
	cr_assert(ask(&peer).open == 20);
	load_free(load);
	measured_end(&peer);
}

Test(load, another_peer_than_was_dialled_is_an_error)
{
	struct measured peer = start("noise"), other = start("noise");
	char target[256];
	struct load *load;

	snprintf(target, sizeof target, "%.*s%s",
		 (int)(strstr(peer.address, "/p2p/") - peer.address), peer.address,
		 strstr(other.address, "/p2p/"));
	load = new_load(target, "noise", 1);
	cr_assert_not(load_transfer(load, 1, 1, why));
	cr_assert(strstr(why, "another peer than was dialled"), "%s", why);
	load_free(load);
	measured_end(&peer);
	measured_end(&other);
}

Test(measured, a_program_that_says_no_address_is_an_error)
{
	struct measured_config config = { .program = "/bin/true", .security = "noise", .core = -1 };
	struct measured measured;

	cr_assert_not(measured_start(&config, &measured, why));
	cr_assert(strstr(why, "says no address"), "%s", why);
}

Test(measured, time_and_memory_are_those_of_the_process)
{
	struct measured peer = start("noise");
	double cpu_s;
	uint64_t bytes;

	cr_assert(measured_cpu_s(&peer, &cpu_s) && cpu_s > 0);
	cr_assert(measured_memory(&peer, &bytes) && bytes > 65536);
	measured_end(&peer);
	cr_assert_eq(peer.pid, 0);
}
