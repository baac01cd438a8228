/* Memory that belongs to others, as arrays: what has the buffer protocol, and tensors of DLPack. It is copied, or shared;
 * then its owner is told, with the GIL, when the last array over it is gone. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "foreign.h"

/* ---- Copying ----------------------------------------------------------------------------------------------------- */
static bool is_row_major(const struct mxp_foreign *f) {
  int64_t step = (int64_t)f->itemsize;
  for (int i = f->ndim - 1; i >= 0; i--) {
    if (f->shape[i] != 1 && f->strides[i] != step) return false;
    step *= f->shape[i];
  }
  return true;
}

#define LINE(size)                                                                                       \
  case size:                                                                                             \
    for (int64_t i = 0; i < count; i++, from += stride, to += size) memcpy(to, from, size);              \
    return to

static char *copy_line(char *to, const char *from, int64_t count, int64_t stride, size_t itemsize) {
  switch (itemsize) {
    LINE(1);
    LINE(2);
    LINE(4);
    LINE(8);
    default: LINE(16);
  }
}

/* All elements from `axis` on, row-major; returns where the next ones go. */
static char *copy_strided(char *to, const struct mxp_foreign *f, int axis, const char *from) {
  if (axis == f->ndim) return copy_line(to, from, 1, 0, f->itemsize);
  if (axis + 1 == f->ndim) return copy_line(to, from, f->shape[axis], f->strides[axis], f->itemsize);
  for (int64_t i = 0; i < f->shape[axis]; i++) to = copy_strided(to, f, axis + 1, from + i * f->strides[axis]);
  return to;
}

static size_t count_of(const struct mxp_foreign *f) {
  size_t count = 1;
  for (int i = 0; i < f->ndim; i++) count *= (size_t)f->shape[i];
  return count;
}

static void swap_bytes(char *p, size_t nbytes, size_t part) {
  for (char *end = p + nbytes; p < end; p += part)
    for (size_t a = 0, b = part - 1; a < b; a++, b--) {
      char t = p[a];
      p[a] = p[b];
      p[b] = t;
    }
}

static void copy_elements(char *to, const struct mxp_foreign *f) {
  size_t nbytes = count_of(f) * f->itemsize;
  if (!nbytes) return;
  if (is_row_major(f))
    memcpy(to, f->data, nbytes);
  else
    copy_strided(to, f, 0, f->data);
  bool is_complex = f->dtype == MX_COMPLEX64;
  if (f->is_swapped) swap_bytes(to, nbytes, is_complex ? f->itemsize / 2 : f->itemsize);
  if (f->dtype == MX_BOOL)
    for (size_t i = 0; i < nbytes; i++) to[i] = to[i] != 0;
}

static bool copy_narrowed(float *to, const struct mxp_foreign *f) {
  size_t count = count_of(f);
  double *wide = malloc(count * f->itemsize + 1);
  if (!wide) return PyErr_NoMemory(), false;
  copy_elements((char *)wide, f);
  for (size_t i = 0; i < 2 * count; i++) to[i] = (float)wide[i];
  free(wide);
  return true;
}

mx_array mxp_foreign_copy(mxb_ctx *ctx, const struct mxp_foreign *f) {
  void *data;
  mx_array a = mxb_allocate(ctx, (mx_ints){f->shape, (size_t)f->ndim}, f->dtype, &data);
  if (!a) return (mx_array)mxp_raise(ctx);
  if (!f->is_wide) {
    copy_elements(data, f);
  } else if (!copy_narrowed(data, f)) {
    mxb_release(a);
    a = NULL;
  }
  return a;
}

mx_array mxp_copied(mxb_ctx *ctx, mx_array node) {
  mxb_exported e;
  int64_t strides[MX_MAX_NDIM];
  if (mxb_export(ctx, node, &e, strides)) return (mx_array)mxp_raise(ctx);
  struct mxp_foreign f = {.data = e.data, .ndim = e.ndim, .itemsize = mx_itemsize(node), .dtype = e.dtype};
  for (int i = 0; i < f.ndim; i++) {
    f.shape[i] = e.shape[i];
    f.strides[i] = strides[i] * (int64_t)f.itemsize;
  }
  mx_array copy = mxp_foreign_copy(ctx, &f);
  mxb_export_end(&e);
  return copy;
}

/* ---- Telling owners: the last reference may go on any thread, without the GIL -------------------------------------- */
struct loan {
  void (*release)(void *user);
  void *user;
  struct loan *next;
};
static struct loan *_Atomic over; /* loans that have ended */

static int release_loans(void *unused) {
  (void)unused;
  struct loan *l = atomic_exchange(&over, NULL);
  while (l) {
    struct loan *next = l->next;
    l->release(l->user);
    free(l);
    l = next;
  }
  return 0;
}

/* Where the interpreter has no room for the call, a later one finds the loan too. */
static void end_loan(void *p) {
  struct loan *l = p;
  l->next = atomic_load(&over);
  while (!atomic_compare_exchange_weak(&over, &l->next, l)) {
  }
  if (Py_IsInitialized()) Py_AddPendingCall(release_loans, NULL);
}

/* ---- Sharing ----------------------------------------------------------------------------------------------------- */
static const char *obstacle(const struct mxp_foreign *f, int dtype) {
  if (dtype < 0 && f->dtype == MX_FLOAT64) return "float64 becomes float32 unless dtype is mx.float64";
  if (dtype >= 0 && dtype != (int)f->dtype) return "its dtype is another";
  if (f->is_wide) return "complex128 becomes complex64";
  if (f->is_swapped) return "its byte order is not this machine's";
  for (int i = 0; i < f->ndim; i++)
    if (f->strides[i] % (int64_t)f->itemsize) return "its strides are no multiples of the item size";
  if ((uintptr_t)f->data % (f->dtype == MX_COMPLEX64 ? 4 : f->itemsize)) return "its elements are not aligned";
  return NULL;
}

/* The memory from the first element to the last as a line, and a view of it. */
static mx_array share_strided(mxb_ctx *ctx, const struct mxp_foreign *f, struct loan *loan) {
  int64_t strides[MX_MAX_NDIM], before = 0, after = 0;
  for (int i = 0; i < f->ndim; i++) {
    strides[i] = f->strides[i] / (int64_t)f->itemsize;
    *(strides[i] < 0 ? &before : &after) += strides[i] * (f->shape[i] - 1);
  }
  int64_t count = after - before + 1;
  mx_array line = mxb_from_data_managed(ctx, f->data + before * (int64_t)f->itemsize, (mx_ints){&count, 1}, f->dtype, end_loan, loan);
  if (!line) return end_loan(loan), NULL;
  size_t n = (size_t)f->ndim;
  mx_array view = mxb_as_strided(ctx, line, (mx_ints){f->shape, n}, (mx_ints){strides, n}, (size_t)-before);
  mxb_release(line);
  return view;
}

static mx_array share(mxb_ctx *ctx, const struct mxp_foreign *f, struct loan *loan) {
  if (!count_of(f)) {
    end_loan(loan);
    return mxp_foreign_copy(ctx, f);
  }
  mx_array a;
  if (is_row_major(f)) {
    a = mxb_from_data_managed(ctx, f->data, (mx_ints){f->shape, (size_t)f->ndim}, f->dtype, end_loan, loan);
    if (!a) end_loan(loan);
  } else {
    a = share_strided(ctx, f, loan);
  }
  if (!a) mxp_raise(ctx);
  return a;
}

mx_array mxp_foreign_share(mxb_ctx *ctx, const struct mxp_foreign *f, int dtype, void (*release)(void *user), void *user) {
  release_loans(NULL);
  const char *why = obstacle(f, dtype);
  struct loan *loan = why ? NULL : malloc(sizeof *loan);
  if (loan) {
    *loan = (struct loan){release, user, NULL};
    return share(ctx, f, loan);
  }
  release(user);
  if (why)
    PyErr_Format(PyExc_ValueError, "[asarray] the memory cannot be shared, since %s: leave out copy=False", why);
  else
    PyErr_NoMemory();
  return NULL;
}
