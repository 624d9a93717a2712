/* SPDX-License-Identifier: Apache-2.0 */
#include "library/node.h"
#include "test/harness/check.h"
#include "test/harness/temp.h"

static void hush(struct diag *diag, const struct diag_line *line)
{
    (void)diag;
    (void)line;
}

/* A node whose lives end as the letters say, one after the other. */
struct lives {
    struct node node;
    struct settings settings;
    struct diag diag;
    struct temp_dir dir;
    const char *wishes;
    int served;
    struct loop_timer soon;
};

static void end_life(struct loop_timer *timer)
{
    struct lives *lives = container_of(timer, struct lives, soon);

    switch (*lives->wishes++) {
    case 'r': check(node_end(&lives->node, NODE_RESTART)); break;
    case 'R':
        check(node_end(&lives->node, NODE_RESTART)); /* The later wish wins. */
        check(!node_end(&lives->node, NODE_RESET));
        break;
    default: check(node_end(&lives->node, NODE_STOP)); break;
    }
}

static void on_serves(struct node *node, struct broker *broker)
{
    struct lives *lives = container_of(node, struct lives, node);

    lives->served++;
    loop_timer_set(&broker->shards[0].loop, &lives->soon, 0);
}

static int run(struct lives *lives, const char *listeners)
{
    struct text unserved = {.data = NULL}, why = {.data = NULL};
    int r;

    temp_dir_create(&lives->dir);
    lives->diag = (struct diag){.level = DIAG_INFO, .sink = hush};
    lives->soon.fire = end_life;
    settings_init(&lives->settings);
    settings_set_alone(&lives->settings);
    check_ok(settings_set(&lives->settings, slice_text("log.dirs"), slice_text(lives->dir.path),
                          &unserved, &why));
    check_ok(settings_set(&lives->settings, slice_text("listeners"), slice_text(listeners),
                          &unserved, &why));
    check_ok(
        settings_set(&lives->settings, slice_text("num.shards"), slice_text("3"), &unserved, &why));
    lives->node =
        (struct node){.settings = &lives->settings, .diag = &lives->diag, .serves = on_serves};
    check_ok(node_open(&lives->node));
    check_eq(lives->node.shards, 3);
    r = node_run(&lives->node);
    node_close(&lives->node);
    settings_fini(&lives->settings);
    text_fini(&unserved);
    text_fini(&why);
    temp_dir_remove(&lives->dir);
    return r;
}

TEST(node, it_lives_until_it_is_stopped)
{
    struct lives lives = {.wishes = "rRRrs"};

    check_ok(run(&lives, "PLAINTEXT://127.0.0.1:0"));
    check_eq(lives.served, 5);
}

TEST(node, one_that_cannot_listen_says_whose_fault_it_is)
{
    struct lives lives = {.wishes = "s"};

    check_eq(run(&lives, "PLAINTEXT://203.0.113.1:0"), NODE_E_CONFIG);
    check_eq(lives.served, 0);
}
