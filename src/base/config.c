/* Reads each variable at first use and remembers it. */
#include "base/config.h"

#include <stdatomic.h>
#include <stdlib.h>

static const char *const names[MXI_CONFIG_COUNT] = {
#define CONFIG(id, name, doc) [MXI_CONFIG_##id] = name,
#include "base/config.def"
#undef CONFIG
};

static const char unset[] = "";
static _Atomic(const char *) values[MXI_CONFIG_COUNT];

const char *mxi_config_text(enum mxi_config id) {
  const char *v = atomic_load(&values[id]);
  if (!v) {
    v = getenv(names[id]);
    if (!v) v = unset;
    atomic_store(&values[id], v);
  }
  return *v ? v : NULL;
}

int64_t mxi_config_int(enum mxi_config id, int64_t fallback) {
  const char *text = mxi_config_text(id);
  if (!text) return fallback;
  char *end;
  long long v = strtoll(text, &end, 10);
  return *end ? fallback : v;
}

void mxi_config_set(enum mxi_config id, const char *value) { atomic_store(&values[id], value ? value : unset); }
