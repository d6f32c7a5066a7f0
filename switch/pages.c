/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "switch/pages.h"

#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

static size_t whole_pages(size_t bytes)
{
	size_t page = bytes >= HUGE_PAGE ? HUGE_PAGE : 4096;

	return (bytes + page - 1) / page * page;
}

void *sw_pages_new(size_t bytes, bool hot)
{
	size_t len = whole_pages(bytes);
	const int prot = PROT_READ | PROT_WRITE;
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	void *at = MAP_FAILED;

	if (hot && len >= HUGE_PAGE)
		at = mmap(NULL, len, prot, flags | MAP_HUGETLB, -1, 0);
	if (at != MAP_FAILED)
		return at;
	at = mmap(NULL, len, prot, flags | MAP_NORESERVE, -1, 0);
	if (at == MAP_FAILED)
		return NULL;
	if (hot)
		(void)madvise(at, len, MADV_HUGEPAGE); /* as the kernel pleases */
	return at;
}

void sw_pages_free(void *at, size_t bytes)
{
	if (at)
		munmap(at, whole_pages(bytes));
}
