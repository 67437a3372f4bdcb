/* SPDX-License-Identifier: MIT */
/* The loopback interface of a new network namespace. */
#pragma once

/* Child, in the new namespace: brings lo up. 0 or -errno with fail() text. */
int lo_up(void);
