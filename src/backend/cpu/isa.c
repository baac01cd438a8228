/* Which instruction set to use: CPUID, lowered by MICA_CPU. */
#include "backend/cpu/isa.h"

#include <stdatomic.h>
#include <string.h>

#include "base/config.h"

static const char *const names[MXI_ISA_COUNT] = {"baseline", "avx2", "avx512"};

const char *mxi_isa_name(enum mxi_isa isa) { return names[isa]; }

static enum mxi_isa best(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
              __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("f16c");
  bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  return avx512 ? MXI_ISA_AVX512 : avx2 ? MXI_ISA_AVX2 : MXI_ISA_BASELINE;
#else
  return MXI_ISA_BASELINE;
#endif
}

static enum mxi_isa decide(void) {
  enum mxi_isa isa = best();
  const char *text = mxi_config_text(MXI_CONFIG_CPU);
  for (int i = 0; text && i < MXI_ISA_COUNT; i++)
    if (!strcmp(text, names[i]) && i < (int)isa) isa = (enum mxi_isa)i;
  return isa;
}

_Atomic int mxi_isa_chosen = -1;

enum mxi_isa mxi_isa_decide(void) {
  int isa = (int)decide();
  atomic_store_explicit(&mxi_isa_chosen, isa, memory_order_relaxed);
  return (enum mxi_isa)isa;
}
