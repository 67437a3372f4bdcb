/* SPDX-License-Identifier: MIT */
/* Entering namespaces that exist: exec, and namespaces given by path. */
#pragma once

struct isolate;

/*
 * Child. Joins all namespaces of iso->pidfd that iso->join_flags names, in
 * one setns(2), and the container's root. Returns 0 or -errno with text.
 */
int enter_container(const struct isolate *iso);

/*
 * Child. Goes on in a process of the pid namespace that was joined (or, with
 * CLONE_NEWPID in flags, made): the calling process reports the new one to
 * the parent as SYNC_PID and exits; the new one is the parent's child too
 * (CLONE_PARENT), leads a session of its own, and it is the one in which this
 * function returns 0. Returns -errno with fail() text when there is no new
 * process.
 */
int enter_fork(int sync, unsigned flags);
