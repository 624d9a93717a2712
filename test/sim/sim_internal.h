/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/sim/sim_internal.h - what the files of the world share: sim.c has time and nodes,
 * sim_loop.c what one loop sees, sim_files.c descriptors, sim_net.c connections. */

#include "test/sim/sim.h"

#include <errno.h>

/* What the trace tells of.  One word each in sim_trace.c. */
enum trace_kind {
    TRACE_TURN,
    TRACE_READY,
    TRACE_WORK_RUN,
    TRACE_WORK_DONE,
    TRACE_PACKET,
    TRACE_NAMES,
    TRACE_OPEN,
    TRACE_READ,
    TRACE_WRITE,
    TRACE_TRUNCATE,
    TRACE_SYNC,
    TRACE_LOCK,
    TRACE_CLOSE,
    TRACE_LISTEN,
    TRACE_CONNECT,
    TRACE_ACCEPT,
    TRACE_SEND,
    TRACE_RECV,
    TRACE_ENTROPY,
    TRACE_EVENT,
    TRACE_KILL,
    TRACE_POWER_LOSS,
    TRACE_BOOT,
    TRACE_RESET,
    TRACE_KIND_COUNT,
};

struct sim {
    struct sim_options options;
    struct rng rng;
    int64_t now_us;
    struct heap events;     /* struct sim_event, by time. */
    struct list nodes;      /* struct sim_node */
    struct list links;      /* struct link: connections. */
    struct list cuts;       /* struct cut: pairs that do not reach each other. */
    struct list listeners;  /* struct socket that listens. */
    struct sim_io *turning; /* Borrowed: whose loop runs now, or NULL. */
    bool is_touched;        /* The event that happens now is the test's. */
    bool is_working;        /* Inside io_work.run(). */
    int64_t work_cost_us;   /* What the running work has waited for. */
    int node_count;
    uint64_t trace_hash;
    struct sim_stats stats;
};

/* A node's descriptor. */
enum file_kind { FILE_OF_DISK, FILE_DIR, FILE_SOCKET, FILE_LISTENER };

struct sim_file {
    enum file_kind kind;
    int fd;
    struct inode *inode;   /* Held, for the first two kinds. */
    unsigned flags;        /* enum io_open_flags */
    struct socket *socket; /* Owned, for the last two. */
};

struct sim_node {
    struct sim *sim;
    struct list_node node; /* In sim->nodes. */
    char name[32];
    char host[32];
    int index;
    struct machine *machine; /* Shared by counting. */
    bool is_up;
    struct list ios;         /* struct sim_io, dead ones too until they are destroyed. */
    struct sim_file **files; /* Owned; by fd less the base; holes are NULL and stay so. */
    size_t file_count;       /* Slots. */
    size_t open_count, open_max;
    int64_t monotonic_base_us;
    int64_t paused_until_us;
    uint64_t kill_at; /* Calls until a planned kill; 0: none is planned. */
    enum sim_death kill_how;
    struct rng entropy;
};

/* What processes on one machine share. */
struct machine {
    int users;
    struct disk *disk; /* Owned. */
    bool is_powered;
    int64_t wall_base_ms;
    int64_t slow_us;
    uint16_t next_port;
};

struct sim_io {
    struct io io;
    struct sim_node *node;
    struct list_node member;  /* In node->ios. */
    struct loop *loop;        /* Borrowed, or NULL. */
    struct list watched;      /* struct socket that has a watch here. */
    struct list works;        /* struct sim_work, submitted. */
    struct io_work *finished; /* Borrowed from their owners; a queue. */
    struct io_work **finished_tail;
    struct sim_event turn;   /* When the loop is turned next. */
    struct io_watch **batch; /* Borrowed: what poll() is about to call. */
    size_t batch_count;
    bool is_woken;
    bool is_dead;
    bool is_polling; /* Waits in poll(), from outside of the world's turns. */
};

struct sim_work {
    struct sim_event event; /* Its run, and then its end. */
    struct list_node node;  /* In io->works. */
    struct sim_io *io;
    struct io_work *work; /* Borrowed. */
    bool has_run;
};

static inline struct sim_io *sim_io_of(struct io *io)
{
    return container_of(io, struct sim_io, io);
}

/* Ends the run: the program under test has broken the rules of os/io.h. */
_Noreturn void sim_bug(struct sim *sim, const char *what, const char *file, int line);
#define sim_assert(sim, cond) ((cond) ? (void)0 : sim_bug((sim), #cond, __FILE__, __LINE__))

/* sim_trace.c: notes an event.  `node` may be NULL. */
void sim_trace(struct sim *sim, enum trace_kind kind, const struct sim_node *node, int64_t a,
               int64_t b, int64_t c);

/* A sum over bytes that are part of an event. */
int64_t sim_sum(const void *data, size_t size);

/* sim.c: a little while, mostly up to `us`, rarely much more. */
int64_t sim_delay_us(struct sim *sim, int64_t us);

/* Counts down to a planned kill; true if it comes at this call. */
bool sim_node_dies_now(struct sim_node *node);

/* sim_loop.c */
extern const struct io_ops sim_ops;
void sim_io_reschedule(struct sim_io *io);
void sim_io_wake(struct sim_io *io);
void sim_io_die(struct sim_io *io);
void sim_forget_pending(struct sim_io *io, const struct io_watch *watch);

/* sim_files.c: descriptors. */
int sim_file_add(struct sim_node *node, enum file_kind kind, struct sim_file **out);
struct sim_file *sim_file_get(struct sim_io *io, int fd);
void sim_files_close_all(struct sim_node *node, bool is_silent);
int sim_file_bytes(struct sim_io *io, int fd, uint64_t at, void *out, size_t size,
                   size_t *out_read);

int sim_dir_open(struct io *io, int dir, const char *name, int *out_fd);
int sim_dir_create(struct io *io, int dir, const char *name);
int sim_dir_remove(struct io *io, int dir, const char *name);
int sim_dir_list(struct io *io, int dir, io_name_fn *fn, void *context);
int sim_dir_sync(struct io *io, int dir);
int sim_dir_space(struct io *io, int dir, uint64_t *out_total, uint64_t *out_usable);
int sim_rename(struct io *io, int from_dir, const char *from, int to_dir, const char *to);
int sim_unlink(struct io *io, int dir, const char *name);
int sim_file_open(struct io *io, int dir, const char *name, unsigned flags, int *out_fd);
int sim_file_size(struct io *io, int fd, uint64_t *out);
int sim_file_time(struct io *io, int fd, int64_t *out);
int sim_file_read(struct io *io, int fd, uint64_t at, void *out, size_t size, size_t *out_read);
int sim_file_write(struct io *io, int fd, uint64_t at, const struct io_iov *iov, size_t count);
int sim_file_truncate(struct io *io, int fd, uint64_t size);
int sim_file_sync(struct io *io, int fd);
int sim_file_refresh(struct io *io, int fd);
int sim_file_lock(struct io *io, int fd);
void sim_close(struct io *io, int fd);

/* sim_net.c: `watched` is a node of io->watched. */
struct io_watch *sim_watch_of(struct list_node *watched);
unsigned sim_ready_of(struct list_node *watched); /* enum io_events */
void sim_watch_drop(struct list_node *watched);
void sim_socket_close(struct socket *socket, bool is_silent);
void sim_net_init(struct sim *sim);
void sim_net_fini(struct sim *sim);

int sim_listen(struct io *io, const struct io_address *address, int *out_fd,
               struct io_address *out_bound);
int sim_accept(struct io *io, int fd, int *out_fd, struct io_address *out_peer);
int sim_connect(struct io *io, const struct io_address *address, int *out_fd);
int64_t sim_recv(struct io *io, int fd, void *out, size_t size);
int64_t sim_send(struct io *io, int fd, const struct io_iov *iov, size_t count, bool more);
int64_t sim_sendfile(struct io *io, int fd, int file, uint64_t at, size_t size, bool more);
void sim_watch_set(struct io *io, struct io_watch *watch, unsigned events);
