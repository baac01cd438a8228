/* What mica has to say: to the user's callback, or to stderr for the topics that MICA_LOG names. Silent otherwise. */
#ifndef MXI_BASE_LOG_H
#define MXI_BASE_LOG_H

#include <stdbool.h>

bool mxi_log_wants(const char *topic);
void mxi_log_say(const char *topic, const char *format, ...) __attribute__((format(printf, 2, 3)));
void mxi_log_set(void (*fn)(const char *topic, const char *message, void *ctx), void *ctx);

#endif
