/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * steady FROM_PID TO_PID ADDRESS PER_SECOND SECONDS [BYTES]: numbered UDP packets from the network
 * namespace of one process to an IPv6 address in that of another, counted at both ends; nothing is
 * sent twice. PER_SECOND 0: as fast as the sender's queue takes them. SIGTERM ends it earlier, but
 * not before half a second. Prints one line:
 *
 *	sent=N received=N lost=N repeated=N broken=N per_s=N
 *
 * Waits for what is under way up to 2 s after the last one; 0.2 s where a full queue loses some.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	PORT = 7007,
	BYTES_MAX = 1200,
	BATCH = 32,
	PACKETS_MAX = 1 << 24,
	GRACE_MS = 2000,
	GRACE_FULL_MS = 200
};

#define AT_LEAST_S 0.5

static uint8_t seen[PACKETS_MAX / 8];
static uint64_t sent, received, repeated, broken, per_s;
static unsigned bytes = 64;
static volatile sig_atomic_t over;

static void on_signal(int number)
{
	(void)number;
	over = 1;
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void stop(const char *what)
{
	perror(what);
	exit(1);
}

static int socket_in(const char *pid)
{
	char path[64];
	int big = 32 << 20, fd;

	snprintf(path, sizeof path, "/proc/%s/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		stop(path);
	close(fd);
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		stop("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof big))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof big);
	return fd;
}

/* Number, then bytes that follow from it. */
static void fill(uint8_t *packet, uint64_t number)
{
	memcpy(packet, &number, sizeof number);
	for (unsigned i = sizeof number; i < bytes; i++)
		packet[i] = (uint8_t)(number * 31 + i);
}

static bool send_some(int fd, unsigned count)
{
	uint8_t packet[BYTES_MAX];

	for (unsigned i = 0; i < count && sent < PACKETS_MAX; i++) {
		fill(packet, sent);
		if (send(fd, packet, bytes, 0) != (ssize_t)bytes)
			return false;
		sent++;
	}
	return true;
}

static void judge(const uint8_t *packet, size_t len)
{
	uint8_t wanted[BYTES_MAX];
	uint64_t number = 0;

	if (len == bytes)
		memcpy(&number, packet, sizeof number);
	fill(wanted, number);
	if (len != bytes || number >= sent || memcmp(packet, wanted, bytes) != 0) {
		broken++;
		return;
	}
	if (seen[number / 8] & 1 << number % 8)
		repeated++;
	else
		received++;
	seen[number / 8] |= (uint8_t)(1 << number % 8);
}

static void receive_all(int fd)
{
	uint8_t packet[BYTES_MAX + 1];
	ssize_t len;

	while ((len = recv(fd, packet, sizeof packet, 0)) >= 0)
		judge(packet, (size_t)len);
}

/* What is due by now; at full speed, what fits. */
static void send_due(int fd, double since)
{
	uint64_t due = (uint64_t)(since * (double)per_s);

	if (per_s == 0)
		while (send_some(fd, BATCH) && sent % 1024)
			;
	else if (due > sent)
		(void)send_some(fd, (unsigned)(due - sent));
}

static void run(int from, int to, double span)
{
	struct pollfd waits[2] = { { .fd = to, .events = POLLIN }, { .fd = from } };
	double start = seconds_now(), now = start, passed = 0;
	double grace = (per_s == 0 ? GRACE_FULL_MS : GRACE_MS) / 1e3;

	while (passed < span && (!over || passed < AT_LEAST_S)) {
		send_due(from, now - start);
		receive_all(to);
		waits[1].events = per_s == 0 ? POLLOUT : 0;
		(void)poll(waits, 2, per_s == 0 ? 1 : 2);
		now = seconds_now();
		passed = now - start;
	}
	per_s = (uint64_t)((double)received / passed);
	while (received < sent && now < start + passed + grace) {
		receive_all(to);
		(void)poll(waits, 1, 10);
		now = seconds_now();
	}
	receive_all(to);
}

int main(int argc, char **argv)
{
	struct sockaddr_in6 there = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };

	(void)signal(SIGTERM, on_signal);
	if (argc < 6 || inet_pton(AF_INET6, argv[3], &there.sin6_addr) != 1) {
		fprintf(stderr,
			"usage: steady FROM_PID TO_PID ADDRESS PER_SECOND SECONDS [BYTES]\n");
		return 2;
	}
	per_s = strtoull(argv[4], NULL, 10);
	if (argc > 6)
		bytes = (unsigned)atoi(argv[6]);
	if (bytes < 8 || bytes > BYTES_MAX)
		return 2;

	int to = socket_in(argv[2]), from = socket_in(argv[1]);

	if (bind(to, (struct sockaddr *)&there, sizeof there) ||
	    connect(from, (struct sockaddr *)&there, sizeof there))
		stop(argv[3]);
	run(from, to, atof(argv[5]));
	printf("sent=%llu received=%llu lost=%llu repeated=%llu broken=%llu per_s=%llu\n",
	       (unsigned long long)sent, (unsigned long long)received,
	       (unsigned long long)(sent - received), (unsigned long long)repeated,
	       (unsigned long long)broken, (unsigned long long)per_s);
	return 0;
}
