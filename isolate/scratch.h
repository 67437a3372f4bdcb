/* SPDX-License-Identifier: MIT */
/* Fds that are done with, closed together rather than one by one. */
#pragma once

/*
 * Mounting opens two or three fds for each mount and needs none of them
 * afterwards. Numbers are handed out from the lowest, so that those of one
 * stage lie side by side, and one close_range(2) closes them all. A zeroed
 * struct is empty. owned by: the stage that opens the fds.
 */
struct scratch {
	unsigned n;
	int fds[48]; /* ascending */
};

/* Makes room for n more (at most 48): closes what is held when it is short. */
void scratch_reserve(struct scratch *s, unsigned n);

/*
 * Takes over fd, which stays open until the next scratch_reserve() that is
 * short of room, or scratch_close(). A negative fd (an error) is not kept.
 * Returns fd.
 */
int scratch_keep(struct scratch *s, int fd);

/* Closes all that are held; the struct is empty again. */
void scratch_close(struct scratch *s);
