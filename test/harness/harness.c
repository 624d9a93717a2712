/* SPDX-License-Identifier: Apache-2.0 */

/* test/harness/harness.c - runs what test/harness/check.h declares.
 *
 * The closing line of every test program is `N passed, N failed, N skipped`.
 */

#include "test/harness/check.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static struct test *tests, **tests_tail = &tests;
static jmp_buf leave;

void test_register(struct test *test)
{
    *tests_tail = test;
    tests_tail = &test->next;
}

void check_failed(const char *what, const char *file, int line)
{
    fprintf(stderr, "    %s:%d: failed: %s\n", file, line, what);
    longjmp(leave, 1);
}

void check_failed_eq(const char *what, int64_t a, int64_t b, const char *file, int line)
{
    fprintf(stderr, "    %s:%d: failed: %s (%lld, %lld)\n", file, line, what, (long long)a,
            (long long)b);
    longjmp(leave, 1);
}

void check_texts(const char *what, const char *a, const char *b, const char *file, int line)
{
    if (slice_equal(slice_text(a), slice_text(b)))
        return;
    fprintf(stderr, "    it is: %s\n", a ? a : "(null)");
    fprintf(stderr, "    not:   %s\n", b ? b : "(null)");
    check_failed(what, file, line);
}

bool check_bug_fork(const char *what, const char *file, int line)
{
    pid_t child;
    int status = 0;

    fflush(NULL);
    child = fork();
    if (child == 0) {
        const struct rlimit none = {.rlim_cur = 0};

        (void)!freopen("/dev/null", "w", stderr); /* The stack of a bug that is wanted, */
        (void)setrlimit(RLIMIT_CORE, &none);      /* and its core. */
        return true;
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        check_failed("no child to try this in", file, line);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        fprintf(stderr, "    a broken promise went unnoticed\n");
        check_failed(what, file, line);
    }
    return false;
}

void check_bug_survived(void)
{
    _exit(0);
}

static bool run_case(const struct test *test, struct rng *rng, const uint8_t *data, size_t size)
{
    if (setjmp(leave))
        return false;
    test->run(rng, data, size);
    return true;
}

/* The case `i` of a property has a seed of its own, so that it can be run alone. */
static bool run_property(const struct test *test, const char *only_seed)
{
    if (only_seed) {
        struct rng rng = rng_of(strtoull(only_seed, NULL, 0));

        return run_case(test, &rng, NULL, 0);
    }
    for (int i = 0; i < test->cases; i++) {
        uint64_t seed = 0x6d6f6c646175u + (uint64_t)i;
        struct rng rng = rng_of(seed);

        if (!run_case(test, &rng, NULL, 0)) {
            fprintf(stderr, "    again with: --only=%s.%s --seed=0x%llx\n", test->suite, test->name,
                    (unsigned long long)seed);
            return false;
        }
    }
    return true;
}

static bool run_file(const struct test *test, const char *path)
{
    static uint8_t bytes[1 << 20];
    FILE *file = fopen(path, "rb");
    struct rng rng = rng_of(1);
    size_t size;

    if (!file)
        return true;
    size = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    if (run_case(test, &rng, bytes, size))
        return true;
    fprintf(stderr, "    with the input %s\n", path);
    return false;
}

static bool run_corpus(const struct test *test, const char *root)
{
    char dir[2048];
    DIR *entries;
    struct dirent *entry;
    bool good = true;

    snprintf(dir, sizeof(dir), "%s/%s.%s", root, test->suite, test->name);
    entries = opendir(dir);
    if (!entries)
        return true;
    while (good && (entry = readdir(entries))) {
        char path[4096];

        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
        good = run_file(test, path);
    }
    closedir(entries);
    return good;
}

/* Without libFuzzer: random bytes find little, but they find the worst. */
static bool run_fuzz(const struct test *test, const char *corpus)
{
    static uint8_t bytes[512];
    struct rng rng = rng_of(1);

    for (int i = 0; i < 2000; i++) {
        size_t size = rng_below(&rng, sizeof(bytes));

        for (size_t k = 0; k < size; k++)
            bytes[k] = rng_chance(&rng, 50) ? 0 : (uint8_t)rng_next(&rng);
        if (!run_case(test, &rng, bytes, size))
            return false;
    }
    return corpus ? run_corpus(test, corpus) : true;
}

static const char *option(int argc, char **argv, const char *name)
{
    size_t size = strlen(name);

    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], name, size) == 0)
            return argv[i] + size;
    return NULL;
}

static bool is_chosen(const struct test *test, const char *only)
{
    char name[512];

    snprintf(name, sizeof(name), "%s.%s", test->suite, test->name);
    return !only || strcmp(name, only) == 0;
}

/* --list, --only=SUITE.NAME, --seed=N, --corpus=DIR */
int harness_main(int argc, char **argv);
int harness_main(int argc, char **argv)
{
    const char *only = option(argc, argv, "--only=");
    const char *seed = option(argc, argv, "--seed=");
    const char *corpus = option(argc, argv, "--corpus=");
    int passed = 0;
    int failed = 0;

    setvbuf(stdout, NULL, _IOLBF, 0); /* Of a program that hangs one sees where. */
    for (const struct test *test = tests; test; test = test->next) {
        struct rng rng = rng_of(1);
        bool good = false;

        if (!is_chosen(test, only))
            continue;
        if (option(argc, argv, "--list")) {
            printf("%s.%s\n", test->suite, test->name);
            continue;
        }
        switch (test->kind) {
        case TEST_ONCE: good = run_case(test, &rng, NULL, 0); break;
        case TEST_PROPERTY: good = run_property(test, seed); break;
        case TEST_FUZZ: good = run_fuzz(test, corpus); break;
        }
        printf("%s %s.%s\n", good ? "ok  " : "FAIL", test->suite, test->name);
        *(good ? &passed : &failed) += 1;
    }
    printf("%d passed, %d failed, 0 skipped\n", passed, failed);
    return failed || passed == 0;
}

/* Under libFuzzer the first FUZZ of the program is the target. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct test *test = tests;

    while (test && (test->kind != TEST_FUZZ || !is_chosen(test, getenv("FUZZ_TARGET"))))
        test = test->next;
    if (!test || !run_case(test, NULL, data, size))
        abort();
    return 0;
}
