/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* bin/notify.h - tells the service manager how it stands (sd_notify(3): Type=notify of systemd).
 *
 * Threading: any thread; the environment is only read.
 * Errors:    who does not listen does not hear.
 */

/* Sends `state`, "READY=1" and the like, to $NOTIFY_SOCKET, if there is one. */
void notify_send(const char *state);
