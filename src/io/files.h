/* Saving and loading in a context of the caller's. Actions: they do nothing while an error is pending. What is loaded is
 * on the context's stack. */
#ifndef MXI_IO_FILES_H
#define MXI_IO_FILES_H

#include "core/ctx.h"
#include "io/stream.h"

mx_status mxi_save(struct mxi_ctx *c, const char *path, mx_array a);
mx_array mxi_load(struct mxi_ctx *c, const char *path);
mx_status mxi_save_named(struct mxi_ctx *c, const char *path, const char *const *names, const mx_array *arrays, size_t count,
                         bool deflates);
/* To a writer, which the caller ends. */
mx_status mxi_save_to(struct mxi_ctx *c, struct mxi_writer *w, mx_array a);
mx_status mxi_save_named_to(struct mxi_ctx *c, struct mxi_writer *w, const char *const *names, const mx_array *arrays, size_t count,
                            bool deflates);
/* results[i] is on the stack, on success alone. */
mx_status mxi_load_named(struct mxi_ctx *c, const char *path, const char *const *names, mx_array *results, size_t count);
/* fn for each member, with its name and an array on the stack; false stops, with the error in c. */
mx_status mxi_load_each(struct mxi_ctx *c, const char *path, bool (*fn)(struct mxi_ctx *c, const char *name, mx_array a, void *arg),
                        void *arg);
/* The same from a reader that is good for the call alone: elements are read now. */
mx_array mxi_load_from(struct mxi_ctx *c, struct mxi_reader *r);
mx_status mxi_load_each_from(struct mxi_ctx *c, struct mxi_reader *r,
                             bool (*fn)(struct mxi_ctx *c, const char *name, mx_array a, void *arg), void *arg);
/* The length mx_format_with needs, in *needed. */
mx_status mxi_format(struct mxi_ctx *c, mx_array a, const mx_format_options *options, char *buf, size_t size, size_t *needed);

#endif
