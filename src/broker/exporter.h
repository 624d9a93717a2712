/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/exporter.h - /metrics, /healthz and /readyz at metrics.listener.
 *
 *      /metrics   what metrics.def names, as Prometheus reads it
 *      /healthz   200 when every shard's loop turns; 503 if one does not within seconds
 *      /readyz    200 while clients are served; else 503, and why not
 *
 * The server is the module `http` (net/http.h), which is loaded here.  Its threads touch nothing of
 * a shard's: they send mail to shard 0, and that asks the others.  What was gathered once answers
 * everybody who had asked before.
 *
 * Threading: shard 0's loop, but for the server's calls.
 * Errors:    enum broker_outcome, with lines in the operator's log.
 */

struct broker;
struct exporter;

/* What a node is doing, for who waits until it is ready. */
enum node_state {
    NODE_STARTING,
    NODE_READING, /* The metadata, from a controller elsewhere. */
    NODE_RECOVERING,
    NODE_REGISTERING,
    NODE_FENCED,
    NODE_SERVING,
    NODE_LEAVING,
    NODE_STOPPING,
};

/* Listens, where the settings say so; `*out` is NULL where they do not. */
int exporter_open(struct broker *broker, const char *modules, const char *version,
                  struct exporter **out) __attribute__((warn_unused_result));

/* Ends the server; what is gathered ends with the mail that is under way.  No loop turns any more.
 * NULL is allowed. */
void exporter_stop(struct exporter *exporter);

/* Frees; NULL is allowed.  Always returns NULL. */
struct exporter *exporter_close(struct exporter *exporter);
