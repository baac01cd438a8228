/* Lanes: memory for tiles and matrices that are being worked on, borrowed by whichever thread works on them. */
#include <sched.h>

#include "backend/cpu/blas.h"
#include "base/buffer.h"
#include "base/pool.h"

const struct mxi_blas *mxi_blas_open(struct mx_task *task, struct mxi_blas_lanes *l, int64_t callers, size_t nbytes,
                                     mx_status *code) {
  const struct mxi_blas *blas = mxi_blas_ready(task, callers, code);
  int count = mxi_pool_threads();
  if (count > MXI_BLAS_MAX_LANES) count = MXI_BLAS_MAX_LANES;
  l->buffer = NULL;
  l->nbytes = (nbytes + 63) & ~(size_t)63;
  l->count = nbytes ? callers < count ? (int)callers : count : 0;
  for (int i = 0; i < l->count; i++) atomic_init(&l->busy[i], 0);
  if (!blas || !nbytes) return blas;
  l->buffer = mxi_buffer_new(l->nbytes * (size_t)l->count);
  if (l->buffer) return blas;
  *code = mx_task_fail(task, MX_ERR_MEMORY, "out of memory");
  return NULL;
}

void mxi_blas_close(struct mxi_blas_lanes *l) { mxi_buffer_release(l->buffer); }

char *mxi_blas_enter_lane(struct mxi_blas_lanes *l, int slot, int *lane) {
  *lane = l->count ? slot % l->count : 0;
  while (l->count && atomic_exchange_explicit(&l->busy[*lane], 1, memory_order_acquire)) {
    *lane = (*lane + 1) % l->count;
    if (*lane == slot % l->count) sched_yield();
  }
  mxi_blas_enter();
  return l->count ? l->buffer->data + l->nbytes * (size_t)*lane : NULL;
}

void mxi_blas_leave_lane(struct mxi_blas_lanes *l, int lane) {
  mxi_blas_leave();
  if (l->count) atomic_store_explicit(&l->busy[lane], 0, memory_order_release);
}
