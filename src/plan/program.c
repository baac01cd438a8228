/* Failure of a kernel. */
#include "plan/program.h"

#include <stdarg.h>
#include <stdio.h>

mx_status mx_task_fail(struct mx_task *task, mx_status code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(task->message, sizeof task->message, format, args);
  va_end(args);
  return code;
}
