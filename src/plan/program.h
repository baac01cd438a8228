/* What a plan hands to a backend: operands, tasks, and clusters of elementwise operations (mica/extend.h). Everything a
 * kernel may know is there; it sees no nodes. */
#ifndef MXI_PLAN_PROGRAM_H
#define MXI_PLAN_PROGRAM_H

#include <mica/extend.h>

#include "core/dtype.h"

#endif
