/* The callback is read under a lock and called without it. */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/config.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void (*callback)(const char *, const char *, void *);
static void *callback_ctx;

/* True when `topic` is in a comma-separated list, or the list says all. */
static bool listed(const char *list, const char *topic) {
  size_t n = strlen(topic);
  while (list && *list) {
    size_t word = strcspn(list, ",");
    if ((word == n && !strncmp(list, topic, n)) || (word == 3 && !strncmp(list, "all", 3))) return true;
    list += word + (list[word] == ',');
  }
  return false;
}

bool mxi_log_wants(const char *topic) {
  pthread_mutex_lock(&lock);
  bool has_callback = callback != NULL;
  pthread_mutex_unlock(&lock);
  return has_callback || listed(mxi_config_text(MXI_CONFIG_LOG), topic);
}

void mxi_log_say(const char *topic, const char *format, ...) {
  char message[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  pthread_mutex_lock(&lock);
  void (*fn)(const char *, const char *, void *) = callback;
  void *ctx = callback_ctx;
  pthread_mutex_unlock(&lock);
  if (fn) fn(topic, message, ctx);
  if (listed(mxi_config_text(MXI_CONFIG_LOG), topic)) fprintf(stderr, "mica %s: %s\n", topic, message);
}

void mxi_log_set(void (*fn)(const char *topic, const char *message, void *ctx), void *ctx) {
  pthread_mutex_lock(&lock);
  callback = fn;
  callback_ctx = ctx;
  pthread_mutex_unlock(&lock);
}
