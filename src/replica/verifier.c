/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/verifier.h"

#include "base/mem.h"
#include "replica/partition.h"

enum {
    AHEAD_BYTES = 1 << 20, /* Where less than this is known behind a reader, more is read. */
    RUNNING_MAX = 1,       /* Of the workers at a time: syncs need one as well. */
};

/* What is read for one partition. */
struct verification {
    struct list_node node; /* In verifier->waiting, else bare. */
    struct io_work work;
    struct verifier *verifier;
    struct partition *partition; /* Borrowed; NULL: it has gone. */
    struct log_verify verify;
};

struct verifier {
    struct loop *loop;   /* Borrowed. */
    struct list waiting; /* struct verification, owned. */
    int running;
    bool is_stopping;
};

static void run(struct io_work *work, struct io *io)
{
    (void)io;
    log_verify_run(&container_of(work, struct verification, work)->verify);
}

static void start_some(struct verifier *verifier)
{
    struct io *io = verifier->loop->io;
    struct list_node *node;

    while (verifier->running < RUNNING_MAX && (node = list_pop(&verifier->waiting))) {
        verifier->running++;
        io->ops->work_submit(io, &container_of(node, struct verification, node)->work);
    }
}

static void finish(struct verification *v)
{
    struct partition *p = v->partition;
    int r = log_verify_end(p ? p->log : NULL, &v->verify);

    mem_free(v);
    if (!p)
        return;
    p->verification = NULL;
    partition_verified(p, r);
}

static void done(struct io_work *work, struct io *io)
{
    struct verification *v = container_of(work, struct verification, work);
    struct verifier *verifier = v->verifier;

    (void)io;
    verifier->running--;
    finish(v);
    start_some(verifier);
}

bool verifier_want(struct verifier *verifier, struct partition *p, const struct log_range *range)
{
    struct verification *v;
    struct log_verify verify;

    if (p->verification)
        return true;
    if (verifier->is_stopping || !log_verify_begin(p->log, range, AHEAD_BYTES, &verify))
        return false;
    v = mem_new(sizeof(*v));
    v->verifier = verifier;
    v->partition = p;
    v->verify = verify;
    v->work = (struct io_work){.run = run, .done = done};
    p->verification = v;
    list_push(&verifier->waiting, &v->node);
    start_some(verifier);
    return true;
}

void verifier_forget(struct verifier *verifier, struct partition *p)
{
    struct verification *v = p->verification;

    if (!verifier || !v)
        return;
    v->partition = NULL;
    p->verification = NULL;
    if (list_node_is_linked(&v->node)) {
        list_remove(&v->node);
        finish(v);
    }
}

struct verifier *verifier_create(struct loop *loop)
{
    struct verifier *verifier = mem_new(sizeof(*verifier));

    verifier->loop = loop;
    list_init(&verifier->waiting);
    return verifier;
}

void verifier_stop(struct verifier *verifier)
{
    struct list_node *node;

    verifier->is_stopping = true;
    while ((node = list_pop(&verifier->waiting)))
        finish(container_of(node, struct verification, node));
    while (verifier->running > 0)
        verifier->loop->io->ops->poll(verifier->loop->io, -1); /* The worker has our memory. */
}

struct verifier *verifier_destroy(struct verifier *verifier)
{
    if (!verifier)
        return NULL;
    assert(verifier->running == 0 && list_is_empty(&verifier->waiting));
    return mem_free(verifier);
}
