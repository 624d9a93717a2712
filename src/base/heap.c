/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"

static bool is_before(const struct heap_node *a, const struct heap_node *b)
{
    return a->key < b->key || (a->key == b->key && a->order < b->order);
}

/* Makes the later of two roots the first child of the other. */
static struct heap_node *meld(struct heap_node *a, struct heap_node *b)
{
    if (!a || !b)
        return a ? a : b;
    if (is_before(b, a)) {
        struct heap_node *swap = a;

        a = b;
        b = swap;
    }
    b->sibling = a->child;
    if (b->sibling)
        b->sibling->back = b;
    b->back = a;
    a->child = b;
    a->sibling = a->back = NULL;
    return a;
}

/* Joins a list of siblings into one heap: in pairs from the left, then all pairs
 * from the right. */
static struct heap_node *meld_siblings(struct heap_node *first)
{
    struct heap_node *pairs = NULL;
    struct heap_node *root = NULL;

    while (first) {
        struct heap_node *a = first;
        struct heap_node *b = a->sibling;

        first = b ? b->sibling : NULL;
        a->sibling = a->back = NULL;
        if (b)
            b->sibling = b->back = NULL;
        a = meld(a, b);
        a->sibling = pairs; /* A stack of pairs, last on top. */
        pairs = a;
    }
    while (pairs) {
        struct heap_node *next = pairs->sibling;

        pairs->sibling = NULL;
        root = meld(root, pairs);
        pairs = next;
    }
    return root;
}

void heap_put(struct heap *heap, struct heap_node *node, int64_t key)
{
    assert(!node->linked);
    *node = (struct heap_node){.key = key, .order = heap->puts++, .linked = true};
    heap->root = meld(heap->root, node);
    heap->count++;
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
    struct heap_node *children;

    if (!node->linked)
        return;
    children = meld_siblings(node->child);
    if (node == heap->root) {
        heap->root = children;
    } else {
        if (node->back->child == node)
            node->back->child = node->sibling;
        else
            node->back->sibling = node->sibling;
        if (node->sibling)
            node->sibling->back = node->back;
        heap->root = meld(heap->root, children);
    }
    *node = (struct heap_node){.linked = false};
    heap->count--;
}
