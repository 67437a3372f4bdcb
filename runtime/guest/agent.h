/* SPDX-License-Identifier: MIT */
/* PID 1's loop: frames of the host, stdio of the container, dead children. */
#pragma once

/*
 * Serves the agent channel on port (not blocking) until the host ends the
 * machine. Returns -errno with fail() text when the channel fails.
 */
int agent_serve(int port);
