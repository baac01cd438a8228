/* Threads that share one loop. Workers spin briefly, then sleep; the caller takes part; nested calls run serially. */
#ifndef MXI_BASE_POOL_H
#define MXI_BASE_POOL_H

#include <stdbool.h>
#include <stdint.h>

/* Work on items [begin, end). `slot` is in [0, mxi_pool_threads()) and no two concurrent calls of one loop share it. */
typedef void (*mxi_chunk_fn)(void *arg, int64_t begin, int64_t end, int slot);

/* Calls fn over [0, count) in chunks that are multiples of `grain` (but the last), on up to mxi_pool_threads() threads.
 * Which thread takes which chunk is not defined: results must not depend on it. Returns when all is done. */
void mxi_parallel(int64_t count, int64_t grain, mxi_chunk_fn fn, void *arg);

int mxi_pool_threads(void);
void mxi_pool_set_threads(int n);
/* A fork waits for the running loop; the child starts its own workers when it needs them. */
void mxi_pool_before_fork(void);
void mxi_pool_after_fork(bool child);

#endif
