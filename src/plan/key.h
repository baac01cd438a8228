/* How the head of a node is packed in the structure part of a key. */
#ifndef MXI_PLAN_KEY_H
#define MXI_PLAN_KEY_H

#include "plan/plan.h"

enum { /* words; then bit positions in the first and the second */
  MXI_KEY_HEAD = 2,
  MXI_KEY_DTYPE = 16,  /* above the operation */
  MXI_KEY_LAYOUT = 24, /* enum below; 0: not a leaf */
  MXI_KEY_CLASSES = 16, /* of up to MXI_CLASS_NDIM dimensions, above the rank */
};
enum { MXI_KEY_DENSE = 1, MXI_KEY_STRIDED = 3, MXI_KEY_SCALAR = 4 };

#endif
