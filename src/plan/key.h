/* How the head of a node is packed in the structure part of a key. */
#ifndef MXI_PLAN_KEY_H
#define MXI_PLAN_KEY_H

#include "plan/plan.h"

enum { /* bit positions */
  MXI_KEY_OP = 0,
  MXI_KEY_DTYPE = 10,
  MXI_KEY_LAYOUT = 15, /* enum below; 0: not a leaf */
  MXI_KEY_NDIM = 18,   /* the node's shape_class: rank, where MXI_SHAPE_MORE says that it is in the next word, */
  MXI_KEY_CLASSES = 21, /* and the classes of dimensions */
};
enum { MXI_KEY_DENSE = 1, MXI_KEY_STRIDED = 3, MXI_KEY_SCALAR = 4 };

_Static_assert(MXI_OP_COUNT < 1024, "an operation takes ten bits");

#endif
