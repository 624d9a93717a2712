/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* base/list.h - doubly linked, circular, intrusive.
 *
 * A `struct list` is a head; a `struct list_node` sits in an element, whose comment
 * says on which list it may be.  A node that is on no list is bare: both links NULL.
 */

#include "base/base.h"

struct list_node {
    struct list_node *prev, *next;
};

struct list {
    struct list_node head;
};

static inline void list_init(struct list *list)
{
    list->head.prev = list->head.next = &list->head;
}

static inline bool list_is_empty(const struct list *list)
{
    return list->head.next == &list->head;
}

static inline bool list_node_is_linked(const struct list_node *node)
{
    return node->next != NULL;
}

/* Puts a bare node at the end. */
static inline void list_push(struct list *list, struct list_node *node)
{
    assert(!list_node_is_linked(node));
    node->prev = list->head.prev;
    node->next = &list->head;
    node->prev->next = node;
    node->next->prev = node;
}

/* Puts a bare node in front. */
static inline void list_push_front(struct list *list, struct list_node *node)
{
    assert(!list_node_is_linked(node));
    node->prev = &list->head;
    node->next = list->head.next;
    node->prev->next = node;
    node->next->prev = node;
}

/* Puts a bare node behind `at`, which is on a list, or its head. */
static inline void list_insert(struct list_node *at, struct list_node *node)
{
    assert(!list_node_is_linked(node));
    node->prev = at;
    node->next = at->next;
    node->prev->next = node;
    node->next->prev = node;
}

/* Takes a node off whatever list it is on; a bare node stays bare. */
static inline void list_remove(struct list_node *node)
{
    if (!list_node_is_linked(node))
        return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->prev = node->next = NULL;
}

/* The first node, or NULL. */
static inline struct list_node *list_first(const struct list *list)
{
    return list_is_empty(list) ? NULL : list->head.next;
}

/* Takes off the first node, or returns NULL. */
static inline struct list_node *list_pop(struct list *list)
{
    struct list_node *node = list_first(list);

    if (node)
        list_remove(node);
    return node;
}

/* Moves all of `from` to the end of `to`. */
static inline void list_append(struct list *to, struct list *from)
{
    if (list_is_empty(from))
        return;
    from->head.next->prev = to->head.prev;
    to->head.prev->next = from->head.next;
    from->head.prev->next = &to->head;
    to->head.prev = from->head.prev;
    list_init(from);
}

#define list_each(node, list)                                                                      \
    for (struct list_node *node = (list)->head.next; node != &(list)->head; node = node->next)

/* As list_each, but `node` may be removed in the body. */
#define list_each_safe(node, list)                                                                 \
    for (struct list_node *node = (list)->head.next, *node##_next = node->next;                    \
         node != &(list)->head; node = node##_next, node##_next = node->next)
