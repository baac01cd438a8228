/* Instruction sets of the CPU backend. Every file in kernels/ is compiled once per set with MXI_ISA naming it; what
 * such a file exports (one table of functions) gets the set's name as a suffix. The rest of the backend picks the
 * table of the set chosen at load by mxi_isa(). */
#ifndef MXI_BACKEND_CPU_ISA_H
#define MXI_BACKEND_CPU_ISA_H

#include <stdatomic.h>
#include <stdbool.h>

enum mxi_isa { MXI_ISA_BASELINE, MXI_ISA_AVX2, MXI_ISA_AVX512, MXI_ISA_COUNT };

/* The set in use: what the CPU has, lowered by MICA_CPU. The first call decides; any thread may call. */
extern _Atomic int mxi_isa_chosen;
enum mxi_isa mxi_isa_decide(void);
static inline enum mxi_isa mxi_isa(void) {
  int isa = atomic_load_explicit(&mxi_isa_chosen, memory_order_relaxed);
  return isa < 0 ? mxi_isa_decide() : (enum mxi_isa)isa;
}
const char *mxi_isa_name(enum mxi_isa isa);

#define MXI_PASTE2(a, b) a##_##b
#define MXI_PASTE(a, b) MXI_PASTE2(a, b)
#define MXI_ISA_NAME(name) MXI_PASTE(name, MXI_ISA) /* in kernels/: name_avx2 */

/* MXI_ISA_TABLE(struct mxi_sort_kernels, mxi_sort_kernels) declares the tables and mxi_sort_kernels(), which returns
 * the one in use. */
#if defined(__x86_64__)
#define MXI_ISA_TABLE(type, name)                                     \
  extern const type name##_baseline, name##_avx2, name##_avx512;      \
  static inline const type *name(void) {                              \
    static const type *const tables[MXI_ISA_COUNT] = {                \
        &name##_baseline, &name##_avx2, &name##_avx512};              \
    return tables[mxi_isa()];                                         \
  }
#else
#define MXI_ISA_TABLE(type, name)   \
  extern const type name##_baseline; \
  static inline const type *name(void) { return &name##_baseline; }
#endif

#endif
