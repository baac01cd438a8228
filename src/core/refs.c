/* The slow paths of the counts, and freeing, which is iterative: the dead are a list, not a recursion. */
#include "core/node_inline.h"

#include "base/memory.h"
#include "core/payload.h"
#include "core/prim.h"

static bool owner_merges(mx_array a) {
  atomic_store_explicit(&a->owner, 0, memory_order_relaxed);
  int32_t s = atomic_load_explicit(&a->shared, memory_order_relaxed), merged;
  do merged = (s & ~MXI_SHARED_FLAGS) | MXI_SHARED_MERGED;
  while (!atomic_compare_exchange_weak_explicit(&a->shared, &s, merged, memory_order_acq_rel, memory_order_relaxed));
  return merged == MXI_SHARED_MERGED;
}

bool mxi_refs_drop_slow(mx_array a, const struct mxi_thread *self) {
  if (mxi_refs_owned(a, self)) return owner_merges(a);
  int32_t s = atomic_load_explicit(&a->shared, memory_order_relaxed), next;
  do next = s == 0 ? MXI_SHARED_QUEUED : s - MXI_SHARED_ONE; /* from 0 the queue takes over this reference */
  while (!atomic_compare_exchange_weak_explicit(&a->shared, &s, next, memory_order_acq_rel, memory_order_relaxed));
  if (s == 0) mxi_thread_queue(a);
  return next == MXI_SHARED_MERGED;
}

static void free_extra(struct mxi_extra *x) {
  if (!x) return;
  mxi_buffer_release(x->contiguous);
  for (int i = 0; i < x->output_count; i++)
    if (x->outputs) mxi_buffer_release(x->outputs[i]);
  mxi_payload_release(x->ext);
  mxi_free(x->outputs);
  mxi_free(x->failure);
  mxi_free(x);
}

void mxi_node_free_beside(mx_array a) {
  if (a->op != MXI_OP_NONE && mxi_prims[a->op]->params_size > sizeof a->params) {
    if (mxi_prims[a->op]->params_free) mxi_prims[a->op]->params_free(a->params.heap);
    mxi_free(a->params.heap);
  }
  if (a->ndim > MXI_INLINE_NDIM) mxi_free(a->dims.heap);
  mxi_free(a->strides);
  free_extra(a->extra);
}

/* Drops the inputs of a node; those that die go on the list, whose head is returned. */
static inline mx_array drop_inputs(mx_array a, mx_array dead, struct mxi_thread *self) {
  mx_array *in = a->input_count > 2 ? a->many.list : a->in;
  for (uint32_t i = 0; i < a->input_count; i++)
    if (mxi_refs_drop(in[i], self)) {
      in[i]->next = dead;
      dead = in[i];
    }
  if (a->input_count > 2) mxi_free(in);
  return dead;
}

static void free_nodes(mx_array dead, struct mxi_thread *self) {
  while (dead) {
    mx_array a = dead;
    dead = drop_inputs(a, a->next, self);
    mxi_node_free_alone(self, a);
  }
}

void mxi_retain(mx_array a) { mxi_refs_add(a, mxi_self()); }

void mxi_release(mx_array a) {
  struct mxi_thread *self = mxi_self();
  if (mxi_refs_drop(a, self)) mxi_node_free(a, self);
}

void mxi_node_free(mx_array a, struct mxi_thread *self) {
  a->next = NULL;
  free_nodes(a, self);
}

void mxi_release_many(mx_array a, int32_t count) {
  struct mxi_thread *self = mxi_self();
  if (mxi_refs_owned(a, self)) {
    int32_t left = atomic_load_explicit(&a->local, memory_order_relaxed) - count;
    atomic_store_explicit(&a->local, left > 0 ? left : 1, memory_order_relaxed);
    if (left > 0) return;
    count = 1 - left; /* the owner's others are done with */
  }
  while (count--) mxi_release(a); /* at most the last of these frees the node */
}

void mxi_refs_merge(mx_array a) {
  struct mxi_thread *self = mxi_self();
  int32_t local = atomic_load_explicit(&a->local, memory_order_relaxed);
  atomic_store_explicit(&a->owner, 0, memory_order_relaxed);
  int32_t s = atomic_load_explicit(&a->shared, memory_order_relaxed), merged;
  do merged = ((s >> 2) + local - 1) * MXI_SHARED_ONE | MXI_SHARED_MERGED;
  while (!atomic_compare_exchange_weak_explicit(&a->shared, &s, merged, memory_order_acq_rel, memory_order_relaxed));
  if (merged != MXI_SHARED_MERGED) return;
  mxi_node_free(a, self);
}

void mxi_node_detach(mx_array a) {
  struct mxi_thread *self = mxi_self();
  mx_array dead = drop_inputs(a, NULL, self);
  a->input_count = 0;
  free_nodes(dead, self);
}
