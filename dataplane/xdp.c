/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "dataplane/xdp.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/bytes.h"

#ifndef VIADUCT_LIBDIR
#define VIADUCT_LIBDIR "/usr/local/lib"
#endif

enum { OBJECT_MAX = 256 * 1024, PARENTS = 4, MARKER_BYTES = 14 };

static const char object_name[] = "viaduct-xdp-filter.o";
static const char program_name[] = "viaduct_filter";
static const uint8_t marker[MARKER_BYTES] = "viaduct-port:";

/* Beside the executable, or in the dataplane folder of a build tree above it. */
static bool find_near_executable(char path[PATH_MAX])
{
	char dir[PATH_MAX / 2];
	ssize_t len = readlink("/proc/self/exe", dir, sizeof dir - 1);

	if (len <= 0)
		return false;
	dir[len] = '\0';
	for (unsigned i = 0; i < PARENTS; i++) {
		char *slash = strrchr(dir, '/');
		if (!slash)
			return false;
		*slash = '\0';
		snprintf(path, PATH_MAX, "%s/%s", dir, object_name);
		if (access(path, R_OK) == 0)
			return true;
		snprintf(path, PATH_MAX, "%s/dataplane/%s", dir, object_name);
		if (access(path, R_OK) == 0)
			return true;
	}
	return false;
}

static enum vd_err find(char path[PATH_MAX], char why[DP_WHY])
{
	if (find_near_executable(path))
		return VD_OK;
	snprintf(path, PATH_MAX, "%s/viaduct/%s", VIADUCT_LIBDIR, object_name);
	if (access(path, R_OK) == 0)
		return VD_OK;
	snprintf(why, DP_WHY, "%s is neither beside the program nor in %s/viaduct; install it",
		 object_name, VIADUCT_LIBDIR);
	return VD_EUSER;
}

static enum vd_err read_object(const char *path, uint8_t *object, size_t *len_out, char why[DP_WHY])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t got = 0;

	while (fd >= 0 && (got = read(fd, object + len, OBJECT_MAX - len)) > 0)
		len += (size_t)got;
	if (fd < 0 || got < 0 || len == 0 || len == OBJECT_MAX) {
		snprintf(why, DP_WHY, "cannot read the XDP program %.150s: %s", path,
			 fd < 0 || got < 0 ? strerror(errno) : "not a BPF object");
		if (fd >= 0)
			close(fd);
		return VD_EUSER;
	}
	close(fd);
	*len_out = len;
	return VD_OK;
}

static enum vd_err write_copy(const uint8_t *object, size_t len, int *fd_out, char why[DP_WHY])
{
	int fd = memfd_create("viaduct-xdp", MFD_CLOEXEC);

	if (fd < 0 || write(fd, object, len) != (ssize_t)len) {
		snprintf(why, DP_WHY, "cannot make the XDP program: %s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return VD_ESYS;
	}
	*fd_out = fd;
	return VD_OK;
}

enum vd_err dp_xdp_program(const char *path, uint16_t udp_port, int *fd_out, char why[DP_WHY])
{
	static uint8_t object[OBJECT_MAX]; /* control thread only */
	char found[PATH_MAX];
	size_t len = 0;
	enum vd_err err;

	if (!path) {
		err = find(found, why);
		if (err)
			return err;
		path = found;
	}
	err = read_object(path, object, &len, why);
	if (err)
		return err;
	uint8_t *at = memmem(object, len, marker, sizeof marker);
	if (!at || (size_t)(at - object) + sizeof marker + 2 > len) {
		snprintf(why, DP_WHY, "%.150s is not Viaduct's XDP program", path);
		return VD_EUSER;
	}
	vd_be16_store(at + sizeof marker, udp_port);
	return write_copy(object, len, fd_out, why);
}

static bool is_ours(uint32_t id)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof info;
	int fd = bpf_prog_get_fd_by_id(id);
	bool ours;

	if (fd < 0)
		return false;
	ours = bpf_obj_get_info_by_fd(fd, &info, &len) == 0 &&
	       strncmp(info.name, program_name, sizeof info.name - 1) == 0;
	close(fd);
	return ours;
}

enum vd_err dp_xdp_clear(unsigned ifindex, const char *ifname, char why[DP_WHY])
{
	uint32_t id = 0;

	if (bpf_xdp_query_id((int)ifindex, 0, &id) || id == 0)
		return VD_OK;
	if (is_ours(id) && bpf_xdp_detach((int)ifindex, 0, NULL) == 0)
		return VD_OK;
	snprintf(why, DP_WHY,
		 "another XDP program is on %s; take it off (ip link set dev %s xdp off), "
		 "or give one of your own that serves both (xdp_prog=)",
		 ifname, ifname);
	return VD_EUSER;
}
