/* SPDX-License-Identifier: Apache-2.0 */
#include "test/fakes/client_fixture.h"

#include "base/mem.h"
#include "os/linux_io.h"

enum { PATIENCE_US = 20 * 1000 * 1000, NAP_US = 10 * 1000 };

static void say_nothing(struct diag *diag, const struct diag_line *line)
{
    (void)diag;
    (void)line;
}

void client_fixture_start(struct client_fixture *fixture, int node_count)
{
    *fixture = (struct client_fixture){.diag = {.level = DIAG_DEBUG, .sink = say_nothing}};
    if (linux_io_create(&fixture->io))
        bug("a test has an io", __FILE__, __LINE__);
    loop_init(&fixture->loop, fixture->io);
    fixture->fake = mem_new(sizeof(*fixture->fake));
    fake_cluster_start(fixture->fake, &fixture->loop, node_count);
    fixture->settings = cluster_settings_defaults();
    fixture->settings.diag = &fixture->diag;
    fixture->settings.retry_backoff_ms = 1;
    fixture->settings.retry_backoff_max_ms = 5;
    fixture->settings.reconnect_backoff_ms = 1;
    fixture->settings.reconnect_backoff_max_ms = 5;
}

void client_fixture_connect(struct client_fixture *fixture)
{
    char bootstrap[64];

    fake_cluster_bootstrap(fixture->fake, bootstrap);
    if (!fixture->settings.bootstrap)
        fixture->settings.bootstrap = bootstrap;
    if (cluster_init(&fixture->cluster, &fixture->loop, rng_of(42), &fixture->settings))
        bug("the bootstrap is good", __FILE__, __LINE__);
    fixture->settings.bootstrap = NULL;
    fixture->has_cluster = true;
}

void client_fixture_disconnect(struct client_fixture *fixture)
{
    if (fixture->has_cluster)
        cluster_fini(&fixture->cluster);
    fixture->has_cluster = false;
}

void client_fixture_stop(struct client_fixture *fixture)
{
    client_fixture_disconnect(fixture);
    fake_cluster_stop(fixture->fake);
    mem_free(fixture->fake);
    loop_fini(&fixture->loop);
    linux_io_destroy(fixture->io);
}

bool client_fixture_wait(struct client_fixture *fixture, const bool *is_done)
{
    int64_t end_us = io_monotonic_us(fixture->io) + PATIENCE_US;

    while (!*is_done && io_monotonic_us(fixture->io) < end_us)
        loop_turn(&fixture->loop, NAP_US);
    return *is_done;
}

void client_fixture_turn(struct client_fixture *fixture, int64_t ms)
{
    int64_t end_us = io_monotonic_us(fixture->io) + ms * 1000;

    while (io_monotonic_us(fixture->io) < end_us)
        loop_turn(&fixture->loop, NAP_US);
}
