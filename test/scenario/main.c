/* SPDX-License-Identifier: Apache-2.0 */

/* test/scenario/main.c - moldau_sim: lives through many lives of a broker.
 *
 * Each seed runs in a process of its own, so that one that crashes or hangs is a failed
 * test and not the end.
 */

#include "test/scenario/run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SECONDS_MAX = 120, JOBS_MAX = 16 };

static const char usage[] =
    "usage: moldau_sim [--seed=N] [--seeds=N] [--from=N] [--shards=N] [--jobs=N]\n"
    "                  [--until-failure] [--calm] [--verbose] [--trace=FILE]\n"
    "\n"
    "Runs a broker and its clients in a simulated world, once for each seed.\n"
    "\n"
    "  --seed=N         one run, in this process\n"
    "  --seeds=N        runs N seeds (100), beginning with\n"
    "  --from=N         this one (1)\n"
    "  --shards=N       of the broker; without it the seed decides between 1 and 4\n"
    "  --jobs=N         that many at a time (the cores there are)\n"
    "  --until-failure  stops at the first failing seed\n"
    "  --calm           no faults\n"
    "  --verbose        with --seed: says what happens\n"
    "  --trace=FILE     with --seed: writes every event of the world there\n";

struct options {
    struct run_options run;
    uint64_t from, seeds;
    bool is_single, until_failure;
    int jobs;
};

struct job {
    pid_t child;
    uint64_t seed;
};

static const char *value_of(int argc, char **argv, const char *name)
{
    size_t size = strlen(name);

    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], name, size) == 0)
            return argv[i] + size;
    return NULL;
}

static uint64_t number_of(int argc, char **argv, const char *name, uint64_t otherwise)
{
    const char *text = value_of(argc, argv, name);

    return text ? strtoull(text, NULL, 0) : otherwise;
}

static void print_again(const struct options *options, uint64_t seed)
{
    printf("again with: moldau_sim --seed=%" PRIu64, seed);
    if (options->run.shards)
        printf(" --shards=%d", options->run.shards);
    printf("%s --verbose\n", options->run.is_calm ? " --calm" : "");
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- one seed --------------------------------------------------------------- */

static int run_single(struct options *options)
{
    int64_t begin = now_ms();
    struct run_result r = run_seed(&options->run, stdout);

    printf("seed %" PRIu64 ": %s, trace %016" PRIx64 ", %" PRId64 " ms of ours, %" PRId64
           " of the world's\n",
           options->run.seed, r.is_good ? "good" : "FAILED", r.hash, now_ms() - begin,
           r.virtual_us / 1000);
    printf("  %zu batches sent, %zu acknowledged, %zu records read\n", r.writes, r.acknowledged,
           r.records_read);
    printf(
        "  groups: %zu assignments in %zu generations, %zu commits, %zu of them taken, %zu refused,"
        " %zu reads, %zu of what had expired, %zu deletions\n",
        r.groups.assignments, r.groups.generations, r.groups.commits, r.groups.taken,
        r.groups.refused, r.groups.reads, r.groups.expired, r.groups.forgotten);
    printf("  %" PRIu64 " events, %" PRIu64 " turns, %" PRIu64 " packets, %" PRIu64
           " syncs, %" PRIu64 " kills, %" PRIu64 " losses of power, %" PRIu64 " resets, %" PRIu64
           " failed calls\n",
           r.stats.events, r.stats.turns, r.stats.packets, r.stats.syncs, r.stats.kills,
           r.stats.power_losses, r.stats.resets, r.stats.faults);
    if (!r.is_good)
        print_again(options, options->run.seed);
    printf("%d passed, %d failed, 0 skipped\n", r.is_good, !r.is_good);
    return r.is_good ? 0 : 1;
}

/* --- many seeds ------------------------------------------------------------- */

static pid_t run_apart(const struct options *options, uint64_t seed)
{
    struct run_options run = options->run;
    bool is_good;
    pid_t child;

    fflush(stdout);
    child = fork();
    if (child != 0)
        return child;
    alarm(SECONDS_MAX);
    run.seed = seed;
    is_good = run_seed(&run, stdout).is_good;
    _exit(fflush(stdout) == 0 && is_good ? 0 : 1);
}

static bool took_well(const struct options *options, uint64_t seed, int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (WIFSIGNALED(status))
        printf("seed %" PRIu64 ": ended by signal %d%s\n", seed, WTERMSIG(status),
               WTERMSIG(status) == SIGALRM ? ", it ran for too long" : "");
    print_again(options, seed);
    fflush(stdout);
    return false;
}

static struct job *find_job(struct job *jobs, int count, pid_t child)
{
    for (int i = 0; i < count; i++)
        if (jobs[i].child == child)
            return &jobs[i];
    return NULL;
}

static int run_many(const struct options *options)
{
    struct job jobs[JOBS_MAX] = {{.child = 0}};
    int running = 0;
    uint64_t started = 0;
    uint64_t passed = 0;
    uint64_t failed = 0;

    while (started < options->seeds || running > 0) {
        struct job *job = find_job(jobs, options->jobs, 0);
        bool may_start = started < options->seeds && !(options->until_failure && failed > 0);
        int status;

        if (may_start && job) {
            job->seed = options->from + started++;
            job->child = run_apart(options, job->seed);
            running++;
            continue;
        }
        if (running == 0)
            break;
        job = find_job(jobs, options->jobs, wait(&status));
        if (!job)
            continue;
        *(took_well(options, job->seed, status) ? &passed : &failed) += 1;
        job->child = 0;
        running--;
    }
    printf("%" PRIu64 " passed, %" PRIu64 " failed, 0 skipped\n", passed, failed);
    return failed > 0 || passed == 0;
}

int main(int argc, char **argv)
{
    const char *trace = value_of(argc, argv, "--trace=");
    struct options options = {
        .from = number_of(argc, argv, "--from=", 1),
        .seeds = number_of(argc, argv, "--seeds=", 100),
        .is_single = value_of(argc, argv, "--seed=") != NULL,
        .until_failure = value_of(argc, argv, "--until-failure") != NULL,
        .jobs = (int)number_of(argc, argv, "--jobs=", (uint64_t)sysconf(_SC_NPROCESSORS_ONLN)),
    };

    options.run = (struct run_options){
        .seed = number_of(argc, argv, "--seed=", 0),
        .shards = (int)number_of(argc, argv, "--shards=", 0),
        .is_calm = value_of(argc, argv, "--calm") != NULL,
        .is_verbose = options.is_single && value_of(argc, argv, "--verbose") != NULL,
    };
    if (value_of(argc, argv, "--help") || options.run.shards < 0 ||
        options.run.shards > SHARDS_MAX || options.jobs < 1 || options.jobs > JOBS_MAX) {
        fputs(usage, stderr);
        return 2;
    }
    if (!options.is_single)
        return run_many(&options);
    if (trace)
        options.run.trace = fopen(trace, "w");
    return run_single(&options);
}
