/* SPDX-License-Identifier: Apache-2.0 */

/* meta/tree.c - trees of bounded balance (Adams): no subtree is more than WEIGHT times as
 * heavy as the one beside it.  Functions recurse as deep as the tree, which is at most
 * TREE_DEPTH_MAX. */

#include "meta/tree.h"

#include "base/mem.h"

#include <stdatomic.h>

enum { WEIGHT = 3, RATIO = 2 }; /* The pair that is proven to keep the balance. */

struct tree_node {
    _Atomic uint32_t refs;
    size_t size;                    /* Items in this subtree. */
    struct tree_node *left, *right; /* Owned references, or NULL. */
    void *item;                     /* Owned reference. */
};

static size_t size_of(const struct tree_node *node)
{
    return node ? node->size : 0;
}

static size_t weight_of(const struct tree_node *node)
{
    return size_of(node) + 1;
}

static struct tree_node *node_ref(struct tree_node *node)
{
    if (node)
        atomic_fetch_add_explicit(&node->refs, 1, memory_order_relaxed);
    return node;
}

static void node_unref(const struct tree_class *class, struct tree_node *node)
{
    if (!node || atomic_fetch_sub_explicit(&node->refs, 1, memory_order_acq_rel) != 1)
        return;
    node_unref(class, node->left);
    node_unref(class, node->right);
    class->unref(node->item);
    mem_free(node);
}

static struct tree_node *node_new(void *item)
{
    struct tree_node *node = mem_new(sizeof(*node));

    atomic_init(&node->refs, 1);
    node->size = 1;
    node->item = item;
    return node;
}

/* The node as one that only this version has, which may be changed. */
static struct tree_node *own(const struct tree_class *class, struct tree_node *node)
{
    struct tree_node *copy;

    if (atomic_load_explicit(&node->refs, memory_order_acquire) == 1)
        return node;
    class->ref(node->item);
    copy = node_new(node->item);
    copy->size = node->size;
    copy->left = node_ref(node->left);
    copy->right = node_ref(node->right);
    node_unref(class, node);
    return copy;
}

static void resize(struct tree_node *node)
{
    node->size = size_of(node->left) + size_of(node->right) + 1;
}

static struct tree_node *rotate_left(const struct tree_class *class, struct tree_node *node)
{
    struct tree_node *top = own(class, node->right);

    node->right = top->left;
    top->left = node;
    resize(node);
    resize(top);
    return top;
}

static struct tree_node *rotate_right(const struct tree_class *class, struct tree_node *node)
{
    struct tree_node *top = own(class, node->left);

    node->left = top->right;
    top->right = node;
    resize(node);
    resize(top);
    return top;
}

/* Restores the balance of an own node of which one side changed by one item. */
static struct tree_node *balance(const struct tree_class *class, struct tree_node *node)
{
    size_t left = weight_of(node->left);
    size_t right = weight_of(node->right);

    resize(node);
    if (node->size <= 2)
        return node;
    if (right > WEIGHT * left) {
        node->right = own(class, node->right);
        if (weight_of(node->right->left) >= RATIO * weight_of(node->right->right)) {
            node->right->left = own(class, node->right->left);
            node->right = rotate_right(class, node->right);
        }
        return rotate_left(class, node);
    }
    if (left > WEIGHT * right) {
        node->left = own(class, node->left);
        if (weight_of(node->left->right) >= RATIO * weight_of(node->left->left)) {
            node->left->right = own(class, node->left->right);
            node->left = rotate_left(class, node->left);
        }
        return rotate_right(class, node);
    }
    return node;
}

struct tree tree_copy(const struct tree *tree)
{
    return (struct tree){.class = tree->class, .root = node_ref(tree->root)};
}

void tree_fini(struct tree *tree)
{
    node_unref(tree->class, tree->root);
    tree->root = NULL;
}

size_t tree_count(const struct tree *tree)
{
    return size_of(tree->root);
}

void *tree_find(const struct tree *tree, const void *key)
{
    const struct tree_node *node = tree->root;

    while (node) {
        int order = tree->class->compare(node->item, key);

        if (order == 0)
            return node->item;
        node = order > 0 ? node->left : node->right;
    }
    return NULL;
}

static struct tree_node *put(const struct tree_class *class, struct tree_node *node,
                             const void *key, void *item)
{
    int order;

    if (!node)
        return node_new(item);
    node = own(class, node);
    order = class->compare(node->item, key);
    if (order == 0) {
        class->unref(node->item);
        node->item = item;
        return node;
    }
    if (order > 0)
        node->left = put(class, node->left, key, item);
    else
        node->right = put(class, node->right, key, item);
    return balance(class, node);
}

void tree_put(struct tree *tree, const void *key, void *item)
{
    tree->root = put(tree->class, tree->root, key, item);
}

/* Takes the first node out of the subtree `node`; its item is the caller's. */
static struct tree_node *take_first(const struct tree_class *class, struct tree_node *node,
                                    void **out_item)
{
    struct tree_node *right;

    node = own(class, node);
    if (node->left) {
        node->left = take_first(class, node->left, out_item);
        return balance(class, node);
    }
    right = node->right;
    *out_item = node->item;
    mem_free(node);
    return right;
}

/* What is left of an own node without its item. */
static struct tree_node *remove_top(const struct tree_class *class, struct tree_node *node)
{
    class->unref(node->item);
    if (!node->left || !node->right) {
        struct tree_node *only = node->left ? node->left : node->right;

        mem_free(node);
        return only;
    }
    node->right = take_first(class, node->right, &node->item);
    return balance(class, node);
}

/* `key` is in the subtree. */
static struct tree_node *remove_key(const struct tree_class *class, struct tree_node *node,
                                    const void *key)
{
    int order;

    node = own(class, node);
    order = class->compare(node->item, key);
    if (order == 0)
        return remove_top(class, node);
    if (order > 0)
        node->left = remove_key(class, node->left, key);
    else
        node->right = remove_key(class, node->right, key);
    return balance(class, node);
}

bool tree_remove(struct tree *tree, const void *key)
{
    if (!tree_find(tree, key))
        return false;
    tree->root = remove_key(tree->class, tree->root, key);
    return true;
}

static void push_lefts(struct tree_walk *walk, const struct tree_node *node)
{
    for (; node; node = node->left) {
        assert(walk->depth < TREE_DEPTH_MAX);
        walk->path[walk->depth++] = node;
    }
}

void tree_walk_begin(struct tree_walk *walk, const struct tree *tree, const void *key)
{
    const struct tree_node *node = tree->root;

    walk->depth = 0;
    if (!key) {
        push_lefts(walk, node);
        return;
    }
    while (node) {
        if (tree->class->compare(node->item, key) < 0) {
            node = node->right;
            continue;
        }
        walk->path[walk->depth++] = node;
        node = node->left;
    }
}

void *tree_walk_next(struct tree_walk *walk)
{
    const struct tree_node *node;

    if (walk->depth == 0)
        return NULL;
    node = walk->path[--walk->depth];
    push_lefts(walk, node->right);
    return node->item;
}

static void check_node(const struct tree_class *class, const struct tree_node *node,
                       const void *(*key_of)(const void *item))
{
    size_t left = weight_of(node->left);
    size_t right = weight_of(node->right);

    assert(node->size == left + right - 1);
    assert(node->size <= 2 || (left <= WEIGHT * right && right <= WEIGHT * left));
    if (node->left) {
        assert(class->compare(node->left->item, key_of(node->item)) < 0);
        check_node(class, node->left, key_of);
    }
    if (node->right) {
        assert(class->compare(node->right->item, key_of(node->item)) > 0);
        check_node(class, node->right, key_of);
    }
}

void tree_check(const struct tree *tree, const void *(*key_of)(const void *item))
{
    if (tree->root)
        check_node(tree->class, tree->root, key_of);
}
