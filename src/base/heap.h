/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* base/heap.h - an intrusive pairing heap ordered by a 64-bit key, smallest first.
 *
 * Timers live in one.  Equal keys come out in the order they were put in, so that a
 * simulated run does not depend on the heap's shape.
 */

#include "base/base.h"

struct heap_node {
    struct heap_node *child;   /* First child. */
    struct heap_node *sibling; /* Next child of the same parent. */
    struct heap_node *back;    /* Parent if first child, else the sibling before. */
    int64_t key;
    uint64_t order; /* Ties: who was put first. */
    bool linked;
};

struct heap {
    struct heap_node *root;
    uint64_t puts;
    size_t count;
};

static inline void heap_init(struct heap *heap)
{
    *heap = (struct heap){.root = NULL};
}

/* Adds a node that is in no heap. */
void heap_put(struct heap *heap, struct heap_node *node, int64_t key);

/* Takes out a node; one that is not in the heap is left alone. */
void heap_remove(struct heap *heap, struct heap_node *node);

/* The node with the smallest key, or NULL. */
static inline struct heap_node *heap_first(const struct heap *heap)
{
    return heap->root;
}
