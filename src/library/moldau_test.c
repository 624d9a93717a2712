/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "library/node.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/temp.h"

#include <arpa/inet.h>
#include <moldau.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct moldau_options plain = {.size = sizeof(plain)};

/* Whether somebody answers an ApiVersions request there: the bytes of one, written by hand. */
static bool answers(const char *bootstrap)
{
    static const uint8_t request[] = {0, 0, 0, 11, 0, 18, 0, 0, 0, 0, 0, 7, 0, 1, 'x'};
    const char *colon = strchr(bootstrap, ':');
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uint8_t answer[8];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good;

    check(colon && fd >= 0);
    to.sin_port = htons((uint16_t)strtol(colon + 1, NULL, 10));
    good = connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
           send(fd, request, sizeof(request), MSG_NOSIGNAL) == sizeof(request) &&
           recv(fd, answer, sizeof(answer), MSG_WAITALL) == sizeof(answer) && answer[7] == 7;
    close(fd);
    return good;
}

static bool is_there(const char *path)
{
    struct stat stat_of;

    return stat(path, &stat_of) == 0;
}

TEST(moldau, a_broker_starts_serves_and_leaves_nothing)
{
    struct moldau *broker = NULL;
    char why[MOLDAU_TEXT_MAX], at[64], folder[256];

    check_ok(moldau_start(&plain, &broker, why));
    check_text(why, "");
    (void)snprintf(at, sizeof(at), "%s", moldau_bootstrap(broker));
    (void)snprintf(folder, sizeof(folder), "%s", moldau_folder(broker));
    check(answers(at));
    check(is_there(folder));
    check_ok(moldau_stop(broker, why));
    check(!answers(at));
    check(!is_there(folder));
    check_ok(moldau_stop(NULL, why));
}

TEST(moldau, several_live_in_one_process_each_at_its_port)
{
    struct moldau *brokers[3];

    for (size_t i = 0; i < COUNT_OF(brokers); i++)
        check_ok(moldau_start(&plain, &brokers[i], NULL));
    for (size_t i = 0; i < COUNT_OF(brokers); i++) {
        check(answers(moldau_bootstrap(brokers[i])));
        check(strcmp(moldau_bootstrap(brokers[i]), moldau_bootstrap(brokers[(i + 1) % 3])) != 0);
    }
    for (size_t i = 0; i < COUNT_OF(brokers); i++)
        check_ok(moldau_stop(brokers[i], NULL));
}

static char *cluster_of(const char *folder)
{
    struct text text = {.data = NULL};
    char *start, *id;

    check(files_read(folder, "meta.properties", &text));
    start = strstr(text.data, "cluster.id=");
    check(start);
    id = mem_copy_text(start, strcspn(start, "\n"));
    text_fini(&text);
    return id;
}

TEST(moldau, a_reset_is_a_new_cluster_and_a_restart_the_old_one_on_the_same_port)
{
    struct temp_dir dir;
    struct moldau_options options = plain;
    struct moldau *broker = NULL;
    char at[64], why[MOLDAU_TEXT_MAX];
    char *before, *between, *after;

    temp_dir_create(&dir);
    options.folder = dir.path;
    options.shards = 2;
    files_write(dir.path, "notes.txt", slice_text("somebody's"));
    check_ok(moldau_start(&options, &broker, why));
    (void)snprintf(at, sizeof(at), "%s", moldau_bootstrap(broker));
    before = cluster_of(dir.path);
    check_ok(moldau_restart(broker, why));
    between = cluster_of(dir.path);
    check_ok(moldau_reset(broker, why));
    check_text(moldau_bootstrap(broker), at);
    check(answers(at));
    check_ok(moldau_reset(broker, why));
    check(answers(at));
    check_ok(moldau_stop(broker, why));
    after = cluster_of(dir.path);
    check_text(between, before);
    check(strcmp(before, after) != 0);
    check(files_size(dir.path, "notes.txt") > 0);
    mem_free(before);
    mem_free(between);
    mem_free(after);
    temp_dir_remove(&dir);
}

TEST(moldau, what_cannot_be_is_refused_with_a_sentence)
{
    static const char *const unknown[] = {"num.partition=3", NULL};
    static const char *const no_pair[] = {"num.partitions", NULL};
    struct moldau_options options = plain;
    struct moldau *broker = NULL, *second = NULL;
    struct temp_dir dir;
    char why[MOLDAU_TEXT_MAX];

    options.size = 1;
    check_eq(moldau_start(&options, &broker, why), MOLDAU_E_ARGUMENT);
    check(strstr(why, "sizeof"));
    options = plain;
    options.port = 65536;
    check_eq(moldau_start(&options, &broker, why), MOLDAU_E_ARGUMENT);
    options = plain;
    options.overrides = unknown;
    check_eq(moldau_start(&options, &broker, why), MOLDAU_E_CONFIG);
    check(strstr(why, "num.partitions"));
    options.overrides = no_pair;
    check_eq(moldau_start(&options, &broker, why), MOLDAU_E_ARGUMENT);
    options = plain;
    options.temporary_in = "/proc/nowhere";
    check_eq(moldau_start(&options, &broker, why), MOLDAU_E_DATA);
    check(!broker);
    check_eq(moldau_start(NULL, &broker, NULL), MOLDAU_E_ARGUMENT);

    temp_dir_create(&dir);
    options = plain;
    options.folder = dir.path;
    check_ok(moldau_start(&options, &broker, why));
    check_eq(moldau_start(&options, &second, why), MOLDAU_E_DATA);
    check(strstr(why, "in use by another broker"));
    options = plain;
    options.port = (int)strtol(strchr(moldau_bootstrap(broker), ':') + 1, NULL, 10);
    check_eq(moldau_start(&options, &second, why), MOLDAU_E_CONFIG);
    check(strstr(why, "cannot listen"));
    check_ok(moldau_stop(broker, why));
    temp_dir_remove(&dir);
}

TEST(moldau, each_error_has_a_text)
{
    for (int e = MOLDAU_OK; e <= MOLDAU_E_BUG; e++)
        check(strcmp(moldau_error_text(e), moldau_error_text(-1)) != 0);
    check(moldau_version()[0] >= '0');
}

/* --- what the host hears ------------------------------------------------------ */

struct host {
    _Atomic int lines, bugs;
    char what[MOLDAU_TEXT_MAX];
};

static void on_log(void *context, int level, const char *line)
{
    struct host *host = context;

    assert(level >= MOLDAU_LOG_FATAL && strlen(line) > 0);
    host->lines++;
}

static void on_bug(void *context, const char *what)
{
    struct host *host = context;

    (void)snprintf(host->what, sizeof(host->what), "%s", what);
    host->bugs++;
}

TEST(moldau, the_host_hears_the_log)
{
    static const char *const keys[] = {"num.network.threads=3", NULL};
    struct host host = {.lines = 0};
    struct moldau_options options = plain;
    struct moldau *broker = NULL;

    options.log = on_log;
    options.context = &host;
    options.overrides = keys;
    check_ok(moldau_start(&options, &broker, NULL));
    check_ok(moldau_stop(broker, NULL));
    check_eq(host.lines, 1); /* Of a key that changes nothing. */
}

/* Mail that breaks a promise on the loop of the shard that gets it. */
static void break_promise(struct mail *mail)
{
    assert(!mail->receive);
}

static void bug_on_shard(int shard)
{
    static struct moldau *volatile lost[NODE_SHARDS_MAX]; /* What it held stays held. */
    static struct mail mail[NODE_SHARDS_MAX];
    struct host host = {.lines = 0};
    struct moldau_options options = plain;
    struct moldau *broker = NULL, *next = NULL;
    char why[MOLDAU_TEXT_MAX];

    options.bug = on_bug;
    options.context = &host;
    options.shards = 2;
    check_ok(moldau_start(&options, &broker, why));
    lost[shard] = broker;
    check(lost[shard]);
    mail[shard] = (struct mail){.receive = break_promise};
    /* The node is the first member. */
    mailbox_send(&((struct node *)(void *)broker)->broker->shards[shard].loop.mailbox,
                 &mail[shard]);
    check_eq(moldau_reset(broker, why), MOLDAU_E_BUG);
    check(strstr(why, "!mail->receive"));
    check_eq(host.bugs, 1);
    check(strstr(host.what, "moldau_test.c"));
    options.port = (int)strtol(strchr(moldau_bootstrap(broker), ':') + 1, NULL, 10);
    check_eq(moldau_stop(broker, why), MOLDAU_E_BUG);

    check_ok(moldau_start(&options, &next, why));
    check(answers(moldau_bootstrap(next)));
    check_ok(moldau_stop(next, why));
}

TEST(moldau, after_a_bug_the_host_goes_on_and_can_have_another_broker_at_the_port)
{
    bug_on_shard(0);
    bug_on_shard(1);
}
