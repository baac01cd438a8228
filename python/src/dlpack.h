/* The structs of DLPack 1.x, as its specification lays them out: a stable ABI between libraries. */
#ifndef MXP_DLPACK_H
#define MXP_DLPACK_H

#include <stdint.h>

enum { DLPACK_MAJOR = 1, DLPACK_MINOR = 0 };
enum { DL_CPU = 1 };
enum { DL_INT = 0, DL_UINT = 1, DL_FLOAT = 2, DL_BFLOAT = 4, DL_COMPLEX = 5, DL_BOOL = 6 };
enum { DL_READ_ONLY = 1, DL_IS_COPIED = 2 };

struct dl_tensor {
  void *data;
  struct {
    int32_t type, id;
  } device;
  int32_t ndim;
  struct {
    uint8_t code, bits;
    uint16_t lanes;
  } dtype;
  int64_t *shape;
  int64_t *strides; /* in elements; NULL: row-major */
  uint64_t byte_offset;
};

struct dl_managed { /* in capsules called "dltensor" */
  struct dl_tensor tensor;
  void *owner;
  void (*deleter)(struct dl_managed *self); /* may be NULL */
};

struct dl_versioned { /* in capsules called "dltensor_versioned" */
  struct {
    uint32_t major, minor;
  } version;
  void *owner;
  void (*deleter)(struct dl_versioned *self);
  uint64_t flags;
  struct dl_tensor tensor;
};

#endif
