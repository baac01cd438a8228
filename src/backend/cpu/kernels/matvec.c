/* Matrix-vector kernels: the four storage types from one template, and the one-pass linear-model step for float32.
 * The trees they compute with are defined in docs/numerics.md. Start at matvec_dtype.h. */
#include "backend/cpu/matvec_kernels.h"

#include <stdbool.h>

#include "backend/cpu/kernels/matvec_vec.h"
#include "backend/cpu/kernels/matvec_narrow.h"

#if defined(__AVX512F__)
#define HAS_NARROW 1
#else
#define HAS_NARROW 0
#endif

/* T_GROUP: rows added to a partial at once, as many as the registers hold. ROW_BY_ROW_NBYTES: up to here a partial
 * stays in L1 beside x. WIDE_MAX: up to here a vector of halves is widened once for all rows. */
#if defined(__AVX2__)
enum { T_GROUP = 8 };
#else
enum { T_GROUP = 4 };
#endif
enum { ROW_BY_ROW_NBYTES = 6 * 1024, WIDE_MAX = 4096 };

#define DTYPE f32
#define T float
#define C float
#define V vf
#define LOAD vf_load
#define LOAD_N vf_load_n
#define STORE_N vf_store_n
#define WIDEN(a) (a)
#define ROUND(a) (a)
#define NARROW HAS_NARROW
#define WIDENS 0
#include "backend/cpu/kernels/matvec_dtype.h"

#define DTYPE f64
#define T double
#define C double
#define V vd
#define LOAD vd_load
#define LOAD_N vd_load_n
#define STORE_N vd_store_n
#define WIDEN(a) (a)
#define ROUND(a) (a)
#define NARROW 0
#define WIDENS 0
#include "backend/cpu/kernels/matvec_dtype.h"

#define DTYPE f16
#define T uint16_t
#define C float
#define V vf
#define LOAD(p) vf_widen_f16(load_u16(p))
#define LOAD_N(p, n) vf_widen_f16(load_u16_n(p, n))
#define STORE_N store_f16_n
#define WIDEN widen1_f16
#define ROUND round1_f16
#define NARROW 0
#define WIDENS 1
#include "backend/cpu/kernels/matvec_dtype.h"

#define DTYPE bf16
#define T uint16_t
#define C float
#define V vf
#define LOAD(p) vf_widen_bf16(load_u16(p))
#define LOAD_N(p, n) vf_widen_bf16(load_u16_n(p, n))
#define STORE_N store_bf16_n
#define WIDEN widen1_bf16
#define ROUND round1_bf16
#define NARROW 0
#define WIDENS 1
#include "backend/cpu/kernels/matvec_dtype.h"

#include "backend/cpu/kernels/matvec_linear.h"

#define ROW(dtype) \
  { gemv_##dtype, gemv_t_block_##dtype, gemv_t_accumulate_##dtype, combine_##dtype }
const struct mxi_matvec_kernels MXI_ISA_NAME(mxi_matvec_kernels) = {
    ROW(f32), ROW(f64), ROW(f16), ROW(bf16), linear_block};
