/* An index, read: what index.c makes of a[...], index_mask.c of masks in it, and what index_write.c writes through. */
#ifndef MXP_INDEX_H
#define MXP_INDEX_H

#include "mxp.h"

enum mxp_item_kind { MXP_NEW_AXIS, MXP_NUMBER, MXP_RANGE, MXP_INDICES };

struct mxp_item {
  enum mxp_item_kind kind;
  int axis;       /* of a; not for MXP_NEW_AXIS */
  int64_t number; /* MXP_NUMBER: from 0 */
  int64_t length; /* of the axis in the result */
  mx_array array; /* MXP_INDICES: owned */
};

struct mxp_index {
  mxb_ctx *ctx;
  mx_array a;    /* owned; with masks, the array with the axes of each mask merged into one */
  mx_array from; /* owned; with masks the array as it was, else NULL */
  mx_array mask; /* owned; a mask that is all of the index, else NULL: then there are no items */
  int ndim;      /* of a */
  int given_count, count;
  mx_array given[MX_MAX_NDIM]; /* owned; arrays that stand for items of the index, by their places, else NULL */
  struct mxp_item items[2 * MX_MAX_NDIM];
  int64_t start[MX_MAX_NDIM], stop[MX_MAX_NDIM], step[MX_MAX_NDIM];
  bool is_whole, has_arrays; /* whether every range is a whole axis */
};

/* ---- index.c ----------------------------------------------------------------------------------------------------- */
/* Reads `index`, which may run Python code. A mask alone stays as it is, if `is_write`. False with an exception. */
bool mxp_index_begin(struct mxp_index *x, PyObject *a, PyObject *index, bool is_write);
void mxp_index_end(struct mxp_index *x);

int64_t mxp_index_length(const struct mxp_index *x, int axis);
void mxp_index_range(struct mxp_index *x, int axis, int64_t start, int64_t stop, int64_t step, int64_t length);
/* The shape of a[index] where no item is an array. */
int mxp_index_shape(const struct mxp_index *x, int64_t *shape);
/* The axes of the index arrays stand behind so many others. */
int mxp_index_front(const struct mxp_index *x);
/* The index arrays, numbers among them, with their axes; all owned. Where one is NULL an error is pending in ctx. */
int mxp_index_arrays(struct mxp_index *x, mx_array *arrays, int64_t *axes);
/* Owned, NULL with an error pending in ctx: a with its ranges applied, and numbers too if wanted; a[index]. */
mx_array mxp_index_slice(struct mxp_index *x, bool is_with_numbers);
mx_array mxp_index_read(struct mxp_index *x);

/* ---- index_mask.c ------------------------------------------------------------------------------------------------ */
/* How many axes an item that is this array names. */
static inline int mxp_index_axes(mx_array given) { return given && mx_dtype_of(given) == MX_BOOL ? mx_ndim(given) : 1; }
/* Replaces masks among the given arrays by positions on a merged axis; evaluates them. `dots`: the place of "...", which
 * stands for so many axes, or -1. False with an exception. */
bool mxp_index_masks(struct mxp_index *x, PyObject *const *items, int n, int dots, int dots_axes);
/* `a` with what the mask selects set to `value` (owned by the caller), or changed by it. */
mx_array mxp_index_write_mask(struct mxp_index *x, mx_array value, const struct mxp_update *how);

#endif
