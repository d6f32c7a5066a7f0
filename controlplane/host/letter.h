/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * letter: what one thread leaves for another. It lies in whatever it is about, so that posting
 * allocates nothing; `read` is called on the other thread (mailbox.h).
 */
#include <stddef.h>

struct letter {
	struct letter *next;
	void (*read)(struct letter *letter);
};

/* The struct in which a letter lies as `member`. */
#define LETTER_IN(letter, type, member) ((type *)(void *)((char *)(letter)-offsetof(type, member)))
