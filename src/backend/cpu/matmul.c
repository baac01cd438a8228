/* matmul as a task: shapes and strides brought to the form of struct mxi_product, then dispatch. */
#include "backend/cpu/matmul.h"

#include <string.h>

#include "backend/cpu/layout.h"

int64_t mxi_product_offset_slow(const struct mxi_product *p, const int64_t *strides, int64_t i) {
  return mxi_layout_offset(p->batch_ndim, p->batch_shape, strides, i);
}

/* The batch strides of an operand: 0 where it is broadcast. */
static void batch_strides(const struct mxi_product *p, const struct mx_view *v, int matrix_ndim, int64_t *out) {
  int lead = p->batch_ndim - (v->ndim - matrix_ndim);
  for (int i = 0; i < p->batch_ndim; i++)
    out[i] = i < lead || v->shape[i - lead] == 1 ? 0 : v->strides[i - lead];
}

/* Joins axis i of the batch to the one after it where both operands step evenly over the two. */
static void merge_batch(struct mxi_product *p) {
  int at = 0;
  for (int i = 0; i < p->batch_ndim; i++) {
    int64_t size = p->batch_shape[i];
    if (size == 1) continue;
    if (at && p->a_batch[at - 1] == p->a_batch[i] * size && p->b_batch[at - 1] == p->b_batch[i] * size) {
      at--;
      size *= p->batch_shape[at];
    }
    p->batch_shape[at] = size;
    p->a_batch[at] = p->a_batch[i];
    p->b_batch[at++] = p->b_batch[i];
  }
  p->batch_ndim = at;
}

/* Where b is one matrix for the whole batch, the rows of all a's are the rows of one product. */
static void merge_rows(struct mxi_product *p) {
  while (p->batch_ndim && p->m > 1) {
    int last = p->batch_ndim - 1;
    if (p->b_batch[last] != 0 || p->a_batch[last] != p->m * p->a.row) return;
    p->m *= p->batch_shape[last];
    p->batch /= p->batch_shape[last];
    p->batch_ndim = last;
  }
}

static void read_task(struct mxi_product *p, const struct mx_task *task) {
  const struct mx_view *a = &task->in[0], *b = &task->in[1], *out = &task->out[0];
  int a_matrix = a->ndim > 1 ? 2 : 1, b_matrix = b->ndim > 1 ? 2 : 1;
  p->dtype = (mx_dtype)out->dtype;
  p->a_is_vector = a_matrix == 1;
  p->b_is_vector = b_matrix == 1;
  p->k = a->shape[a->ndim - 1];
  p->m = p->a_is_vector ? 1 : a->shape[a->ndim - 2];
  p->n = p->b_is_vector ? 1 : b->shape[b->ndim - 1];
  /* A missing axis has the stride it would have in a matrix of its own. */
  p->a = (struct mxi_matrix){a->data, p->a_is_vector ? p->k : a->strides[a->ndim - 2], a->strides[a->ndim - 1]};
  p->b = (struct mxi_matrix){b->data, b->strides[b->ndim - b_matrix], p->b_is_vector ? 1 : b->strides[b->ndim - 1]};
  p->c = out->data;
  p->batch_ndim = out->ndim - (a_matrix - 1) - (b_matrix - 1);
  p->batch = 1;
  for (int i = 0; i < p->batch_ndim; i++) p->batch *= p->batch_shape[i] = out->shape[i];
  batch_strides(p, a, a_matrix, p->a_batch);
  batch_strides(p, b, b_matrix, p->b_batch);
  merge_batch(p);
  merge_rows(p);
}

static bool is_vector_product(const struct mxi_product *p) { return p->m == 1 || p->n == 1; }

mx_status mxi_cpu_matmul(struct mx_task *task) {
  const struct mx_view *out = &task->out[0];
  if (out->size == 0) return MX_OK;
  struct mxi_product p;
  read_task(&p, task);
  if (p.k == 0) {
    memset(p.c, 0, (size_t)out->size * mxi_itemsize(p.dtype));
    return MX_OK;
  }
  if (is_vector_product(&p)) return mxi_matmul_vector(task, &p);
  if (p.dtype == MX_COMPLEX64) return mxi_matmul_tiles(task, &p);
  if (!mxi_matmul_is_small(&p)) return mxi_matmul_strips(task, &p);
  mxi_matmul_small(&p);
  return MX_OK;
}

size_t mxi_cpu_matmul_scratch(const struct mx_task *task) {
  struct mxi_product p;
  if (task->out[0].size == 0) return 0;
  read_task(&p, task);
  return p.k && is_vector_product(&p) ? mxi_matmul_vector_scratch(&p) : 0;
}
