/* SPDX-License-Identifier: MIT */
/* ENOSYS for system calls that are newer than a seccomp profile. */
#pragma once

struct buf;
struct spec_seccomp;

/*
 * Appends instructions that answer ENOSYS to calls whose number is above all
 * that the profile names, and fall through to what is appended after them.
 * A libc that tries a new call first then takes the old one, where EPERM
 * would be final. Only the native architecture is looked at, and only when
 * the default action refuses; otherwise nothing is appended.
 */
void seccomp_put_enosys(const struct spec_seccomp *sec, struct buf *out);
