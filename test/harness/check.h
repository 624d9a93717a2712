/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/harness/check.h - the words that tests are written with.
 *
 *     TEST(suite, a_sentence_that_is_true) { check_eq(1 + 1, 2); }
 *     PROPERTY(suite, holds_for_random_input, 1000) { ... rng_next(rng) ... }
 *     FUZZ(suite, target) { ... data, size ... }
 *
 * and in each body
 *
 *     check(is_so); check_eq(number, 3); check_ok(call()); check_text(name, "orders");
 *     check_bug(list_push(&list, twice));
 *
 * A failed check prints expression and place and ends that test; the program goes on
 * with the next and exits 1 at the end.  A property prints the seed of its failing
 * case; --seed=N runs that case alone.  A FUZZ body runs under libFuzzer in fuzz
 * builds, and elsewhere over random bytes and over the files in DIR/<suite>.<target>/ if
 * the program was given --corpus=DIR.
 */

#include "base/rng.h"
#include "base/slice.h"

enum test_kind { TEST_ONCE, TEST_PROPERTY, TEST_FUZZ };

struct test {
    const char *suite, *name;
    enum test_kind kind;
    int cases; /* Of a property. */
    void (*run)(struct rng *rng, const uint8_t *data, size_t size);
    struct test *next; /* In the program's list. */
};

/* Adds a test to the program's list, in the order of the source. */
void test_register(struct test *test);

/* What a failed check calls: prints, and leaves the running test. */
_Noreturn void check_failed(const char *what, const char *file, int line);

/* As check_failed(), with the two values of a comparison. */
_Noreturn void check_failed_eq(const char *what, int64_t a, int64_t b, const char *file, int line);

/* Fails unless the texts are equal (NULL equals NULL), with both in the message. */
void check_texts(const char *what, const char *a, const char *b, const char *file, int line);

/* What check_bug() is made of: forks, and is true in the child.  In the parent it waits
 * for the child and fails the check if that lived to say check_bug_survived(). */
bool check_bug_fork(const char *what, const char *file, int line);
_Noreturn void check_bug_survived(void);

#define TEST_DEFINE(kind_, suite_, name_, cases_)                                                  \
    static void test_##suite_##_##name_(struct rng *rng, const uint8_t *data, size_t size);        \
    __attribute__((constructor)) static void register_##suite_##_##name_(void)                     \
    {                                                                                              \
        static struct test t = {.suite = #suite_,                                                  \
                                .name = #name_,                                                    \
                                .kind = (kind_),                                                   \
                                .cases = (cases_),                                                 \
                                .run = test_##suite_##_##name_};                                   \
        test_register(&t);                                                                         \
    }                                                                                              \
    static void test_##suite_##_##name_(__attribute__((unused)) struct rng *rng,                   \
                                        __attribute__((unused)) const uint8_t *data,               \
                                        __attribute__((unused)) size_t size)

#define TEST(suite, name) TEST_DEFINE(TEST_ONCE, suite, name, 1)
#define PROPERTY(suite, name, cases) TEST_DEFINE(TEST_PROPERTY, suite, name, cases)
#define FUZZ(suite, name) TEST_DEFINE(TEST_FUZZ, suite, name, 1)

#define check(cond) ((cond) ? (void)0 : check_failed(#cond, __FILE__, __LINE__))
#define check_ok(expr) check_eq((expr), 0)
#define check_eq(a, b)                                                                             \
    do {                                                                                           \
        int64_t check_a_ = (int64_t)(a);                                                           \
        int64_t check_b_ = (int64_t)(b);                                                           \
        if (check_a_ != check_b_)                                                                  \
            check_failed_eq(#a " == " #b, check_a_, check_b_, __FILE__, __LINE__);                 \
    } while (0)
/* The statement breaks a promise, so that the process ends: it is run in a child. */
#define check_bug(statement)                                                                       \
    do {                                                                                           \
        if (check_bug_fork(#statement, __FILE__, __LINE__)) {                                      \
            (void)(statement);                                                                     \
            check_bug_survived();                                                                  \
        }                                                                                          \
    } while (0)
#define check_text(a, b) check_texts(#a " is " #b, a, b, __FILE__, __LINE__)
