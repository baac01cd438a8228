/* How the head of a node is packed in the structure part of a key. */
#ifndef MXI_PLAN_KEY_H
#define MXI_PLAN_KEY_H

#include "plan/plan.h"

enum { /* bit positions */
  MXI_KEY_OP = 0,
  MXI_KEY_DTYPE = 10,
  MXI_KEY_MEMBER = 14,
  MXI_KEY_LAYOUT = 15, /* 0 not a leaf, 1 row-major leaf, 3 strided leaf, 4 scalar leaf */
  MXI_KEY_NDIM = 18,   /* MXI_KEY_MORE: the rank is in the next word */
  MXI_KEY_CLASSES = 21,
};
enum { MXI_KEY_INLINE = 5, MXI_KEY_MORE = 7 };

_Static_assert(MXI_OP_COUNT < 1024, "an operation takes ten bits");

#endif
