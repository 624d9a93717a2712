/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "meta/tree.h"
#include "test/harness/check.h"

/* An item with a number, which counts how many of its kind are alive. */
struct item {
    int refs;
    int number;
    int *alive;
};

static int compare(const void *item, const void *key)
{
    int number = ((const struct item *)item)->number;

    return (number > *(const int *)key) - (number < *(const int *)key);
}

static void ref(void *item)
{
    ((struct item *)item)->refs++;
}

static void unref(void *p)
{
    struct item *item = p;

    if (--item->refs > 0)
        return;
    (*item->alive)--;
    mem_free(item);
}

static const void *key_of(const void *item)
{
    return &((const struct item *)item)->number;
}

static const struct tree_class class = {.compare = compare, .ref = ref, .unref = unref};

static void put(struct tree *tree, int number, int *alive)
{
    struct item *item = mem_new(sizeof(*item));

    *item = (struct item){.refs = 1, .number = number, .alive = alive};
    (*alive)++;
    tree_put(tree, &number, item);
}

static bool has(const struct tree *tree, int number)
{
    return tree_find(tree, &number) != NULL;
}

TEST(tree, an_empty_tree_has_nothing)
{
    struct tree tree = tree_of(&class);
    struct tree_walk walk;
    int key = 1;

    check_eq(tree_count(&tree), 0);
    check(!has(&tree, 1));
    check(!tree_remove(&tree, &key));
    tree_walk_begin(&walk, &tree, NULL);
    check(!tree_walk_next(&walk));
}

TEST(tree, ascending_puts_stay_balanced_and_are_walked_in_order)
{
    struct tree tree = tree_of(&class);
    struct tree_walk walk;
    struct item *item;
    int alive = 0;
    int next = 0;

    for (int i = 0; i < 2000; i++)
        put(&tree, i, &alive);
    tree_check(&tree, key_of);
    tree_walk_begin(&walk, &tree, NULL);
    while ((item = tree_walk_next(&walk)))
        check_eq(item->number, next++);
    check_eq(next, 2000);
    tree_fini(&tree);
    check_eq(alive, 0);
}

TEST(tree, a_walk_may_begin_between_items)
{
    struct tree tree = tree_of(&class);
    struct tree_walk walk;
    int alive = 0;

    for (int i = 0; i < 100; i += 10)
        put(&tree, i, &alive);
    for (int from = -5; from < 100; from++) {
        int expected = from <= 0 ? 0 : (from + 9) / 10 * 10;
        struct item *item;

        tree_walk_begin(&walk, &tree, &from);
        item = tree_walk_next(&walk);
        check(expected < 100 ? item && item->number == expected : !item);
    }
    tree_fini(&tree);
}

TEST(tree, an_equal_key_replaces)
{
    struct tree tree = tree_of(&class);
    int alive = 0;

    put(&tree, 7, &alive);
    put(&tree, 7, &alive);
    check_eq(tree_count(&tree), 1);
    check_eq(alive, 1);
    tree_fini(&tree);
    check_eq(alive, 0);
}

enum { NUMBERS = 64, VERSIONS = 8 };

/* Several versions, each against a plain array of what should be in it. */
PROPERTY(tree, versions_do_not_disturb_each_other, 500)
{
    struct tree versions[VERSIONS];
    bool models[VERSIONS][NUMBERS] = {{false}};
    int alive = 0;

    for (int v = 0; v < VERSIONS; v++)
        versions[v] = tree_of(&class);
    for (int step = 0; step < 300; step++) {
        int v = (int)rng_below(rng, VERSIONS);
        int number = (int)rng_below(rng, NUMBERS);
        int from = (int)rng_below(rng, VERSIONS);

        switch (rng_below(rng, 8)) {
        case 0:
            if (v == from)
                break;
            tree_fini(&versions[v]);
            versions[v] = tree_copy(&versions[from]);
            memcpy(models[v], models[from], sizeof(models[v]));
            break;
        case 1:
        case 2:
        case 3:
            check_eq(tree_remove(&versions[v], &number), models[v][number]);
            models[v][number] = false;
            break;
        default:
            put(&versions[v], number, &alive);
            models[v][number] = true;
            break;
        }
        tree_check(&versions[v], key_of);
    }
    for (int v = 0; v < VERSIONS; v++) {
        size_t count = 0;

        for (int i = 0; i < NUMBERS; i++) {
            check_eq(has(&versions[v], i), models[v][i]);
            count += models[v][i];
        }
        check_eq(tree_count(&versions[v]), count);
        tree_fini(&versions[v]);
    }
    check_eq(alive, 0);
}
