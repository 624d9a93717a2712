/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* meta/tree.h - an ordered map whose versions share what they have in common.
 *
 * Copying a tree costs nothing; changing a copy makes anew only the nodes on the way to
 * the change, so that a change costs the logarithm of the map's size, whoever still holds
 * older versions.  Nodes that only one version has are changed in place: a thousand
 * changes in a row cost a thousand times the logarithm and no more memory.
 *
 *        version 1          version 2: `c` was put
 *            b                  b'
 *          /   \              /   \
 *         a     d    --->   a     d'
 *                          (shared)  /
 *                                   c
 *
 * Items are counted by functions of the tree's class.  The tree is balanced by weight.
 *
 * Threading: counts are atomic: any thread may hold, read and drop a version; a version
 *            that is being changed belongs to one thread.
 * Errors:    none.
 */

#include "base/base.h"

struct tree_node;

struct tree_class {
    /* Below, equal to or above zero, as `item` is below, at or above `key`. */
    int (*compare)(const void *item, const void *key);
    void (*ref)(void *item);
    void (*unref)(void *item);
};

struct tree {
    const struct tree_class *class;
    struct tree_node *root; /* Owned reference; NULL while empty. */
};

enum { TREE_DEPTH_MAX = 96 }; /* Of a weight-balanced tree that fits into memory. */

/* An empty map. */
static inline struct tree tree_of(const struct tree_class *class)
{
    return (struct tree){.class = class};
}

/* Another version with the same content. */
struct tree tree_copy(const struct tree *tree);

/* Drops the version; the tree is empty. */
void tree_fini(struct tree *tree);

/* How many items there are. */
size_t tree_count(const struct tree *tree);

/* The item at `key`, borrowed from the version, or NULL. */
void *tree_find(const struct tree *tree, const void *key);

/* Puts `item`, of which one reference is taken over, at `key`, in the place of what is
 * there. */
void tree_put(struct tree *tree, const void *key, void *item);

/* Takes out what is at `key`; false if there is nothing. */
bool tree_remove(struct tree *tree, const void *key);

/* A walk in order. */
struct tree_walk {
    const struct tree_node *path[TREE_DEPTH_MAX]; /* What is still to come, nearest last. */
    size_t depth;
};

/* Begins a walk at the first item that is not below `key`, or at the first if it is NULL.
 * The tree must not change meanwhile. */
void tree_walk_begin(struct tree_walk *walk, const struct tree *tree, const void *key);

/* The next item, or NULL at the end. */
void *tree_walk_next(struct tree_walk *walk);

/* Asserts order, sizes and balance. */
void tree_check(const struct tree *tree, const void *(*key_of)(const void *item));
