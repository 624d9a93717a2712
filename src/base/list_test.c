/* SPDX-License-Identifier: Apache-2.0 */
#include "base/list.h"
#include "test/harness/check.h"

struct item {
    int value;
    struct list_node node; /* On the list under test. */
};

/* The values on the list as decimal digits, from both ends. */
static long digits(const struct list *list)
{
    long forward = 0;
    long backward = 0;
    long weight = 1;

    list_each (node, list)
        forward = forward * 10 + container_of(node, struct item, node)->value;
    for (const struct list_node *n = list->head.prev; n != &list->head; n = n->prev) {
        backward +=
            weight * container_of((struct list_node *)(uintptr_t)n, struct item, node)->value;
        weight *= 10;
    }
    check_eq(forward, backward);
    return forward;
}

TEST(list, nodes_come_in_the_order_they_were_pushed)
{
    struct item items[] = {{.value = 1}, {.value = 2}, {.value = 3}};
    struct list list;

    list_init(&list);
    check(list_is_empty(&list) && !list_first(&list) && !list_pop(&list));
    list_push(&list, &items[1].node);
    list_push(&list, &items[2].node);
    list_push_front(&list, &items[0].node);
    check_eq(digits(&list), 123);
    check(list_first(&list) == &items[0].node);
    check(list_pop(&list) == &items[0].node);
    check(!list_node_is_linked(&items[0].node));
    check_eq(digits(&list), 23);
}

TEST(list, a_node_is_on_one_list_at_most)
{
    struct item item = {.value = 1};
    struct list list;

    list_init(&list);
    list_push(&list, &item.node);
    check_bug(list_push(&list, &item.node));
    check_bug(list_push_front(&list, &item.node));
}

TEST(list, a_node_leaves_from_anywhere_and_a_bare_one_stays_bare)
{
    struct item items[] = {{.value = 1}, {.value = 2}, {.value = 3}};
    struct list list;

    list_init(&list);
    for (size_t i = 0; i < COUNT_OF(items); i++)
        list_push(&list, &items[i].node);
    list_remove(&items[1].node);
    list_remove(&items[1].node);
    check_eq(digits(&list), 13);
    list_remove(&items[2].node);
    list_remove(&items[0].node);
    check(list_is_empty(&list));
}

TEST(list, a_list_is_appended_whole)
{
    struct item items[] = {{.value = 1}, {.value = 2}, {.value = 3}, {.value = 4}};
    struct list to, from;

    list_init(&to);
    list_init(&from);
    list_append(&to, &from);
    check(list_is_empty(&to));
    list_push(&from, &items[0].node);
    list_push(&from, &items[1].node);
    list_append(&to, &from);
    check(list_is_empty(&from));
    check_eq(digits(&to), 12);
    list_push(&from, &items[2].node);
    list_push(&from, &items[3].node);
    list_append(&to, &from);
    check_eq(digits(&to), 1234);
}

TEST(list, nodes_may_be_removed_on_a_safe_walk)
{
    struct item items[] = {{.value = 1}, {.value = 2}, {.value = 3}, {.value = 4}};
    struct list list;

    list_init(&list);
    for (size_t i = 0; i < COUNT_OF(items); i++)
        list_push(&list, &items[i].node);
    list_each_safe (node, &list)
        if (container_of(node, struct item, node)->value % 2 == 0)
            list_remove(node);
    check_eq(digits(&list), 13);
}
