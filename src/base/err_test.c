/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "test/harness/check.h"

#include <setjmp.h>

TEST(err, passing_and_raising_change_nothing)
{
    check_eq(err_pass(-EIO), -EIO);
    check_eq(err_raise(-ENOSPC), -ENOSPC);
    check_eq(err_pass(0), 0);
    check_eq(err_trace(-EIO, "f", "f.c", 1), -EIO);
}

TEST(err, an_outcome_that_cannot_be_becomes_an_error)
{
    check_eq(err_fold(1), -ENOTRECOVERABLE);
    check_eq(err_fold(0), 0);
    check_eq(err_fold(-EIO), -EIO);
}

TEST(err, a_broken_promise_ends_the_process_in_every_build)
{
    check_bug(assert(1 + 1 == 3));
    check_bug(bug("a test of it", __FILE__, __LINE__));
    assert(1 + 1 == 2);
}

struct catcher {
    struct bug_hook hook;
    jmp_buf back;
    int line;
};

__attribute__((noreturn)) static void catch_it(struct bug_hook *hook, const char *what,
                                               const char *file, int line)
{
    struct catcher *catcher = container_of(hook, struct catcher, hook);

    catcher->line = line;
    check_text(what, "a test of it");
    check_text(file, "err_test.c");
    longjmp(catcher->back, 1);
}

TEST(err, who_has_a_hook_is_told_of_a_bug_once)
{
    struct catcher catcher = {.hook.caught = catch_it};

    bug_set_hook(&catcher.hook);
    check(bug_get_hook() == &catcher.hook);
    if (setjmp(catcher.back) == 0)
        bug("a test of it", "err_test.c", 42);
    check_eq(catcher.line, 42);
    check(!bug_get_hook());
    check_bug(assert(1 + 1 == 3));
}

struct thing {
    int value, ended;
};

static struct thing *thing_end(struct thing *thing)
{
    if (thing)
        thing->ended++;
    return NULL;
}

SCOPED_BY(thing_end, struct thing *);

static struct thing *use(struct thing *thing, bool keep)
{
    scoped(thing_endp) struct thing *scoped_thing = thing;

    return keep ? take(scoped_thing) : NULL;
}

TEST(base, a_scoped_value_is_ended_unless_it_was_taken)
{
    struct thing thing = {.value = 7};

    check(use(&thing, true) == &thing);
    check_eq(thing.ended, 0);
    check(!use(&thing, false));
    check_eq(thing.ended, 1);
}

TEST(base, an_object_is_found_by_its_member)
{
    struct thing thing = {.value = 7};

    check(container_of(&thing.ended, struct thing, ended) == &thing);
}

TEST(base, minimum_and_maximum_evaluate_once)
{
    int n = 3;

    check_eq(min_of(n++, 10), 3);
    check_eq(max_of(n++, 0), 4);
    check_eq(n, 5);
    check_eq(KiB(3), 3072);
    check_eq(GiB(3), 3 * MiB(1024));
}
