/* The environment variables of config.def, read once. */
#ifndef MXI_BASE_CONFIG_H
#define MXI_BASE_CONFIG_H

#include <stdint.h>

enum mxi_config {
#define CONFIG(id, name, doc) MXI_CONFIG_##id,
#include "base/config.def"
#undef CONFIG
  MXI_CONFIG_COUNT
};

const char *mxi_config_text(enum mxi_config id);              /* NULL when unset or empty */
int64_t mxi_config_int(enum mxi_config id, int64_t fallback); /* fallback when unset or not a number */
void mxi_config_set(enum mxi_config id, const char *value);   /* for tests; the text is not copied */

#endif
