/* A multi-layer perceptron with two hidden layers, trained on handwritten digits by gradient descent with momentum in
 * minibatches, then saved, loaded again, and compared.
 * The part that uses mica is forward(), loss() and learn(); the rest reads options and reports. */
#include <mica.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cli.h"
#include "common/dataset.h"
#include "common/plot.h"
#include "common/progress.h"

enum { LAYERS = 3, PARAMETERS = 2 * LAYERS, CLASSES_MAX = 1000 };

static const char *const names[PARAMETERS] = {"layers.0.weight", "layers.0.bias",   "layers.1.weight",
                                              "layers.1.bias",   "layers.2.weight", "layers.2.bias"};

struct options {
  const char *data, *target, *plot, *save;
  long epochs, batch, hidden, seed, threads;
  double rate, momentum, held_out;
  bool quiet;
};

struct batch {
  mx_array X, labels; /* (n, width) float32, (n,) int32 */
};

/* ---- The model --------------------------------------------------------------------------------------------------- */
/* Logits (n, classes): relu(relu(X @ W0 + b0) @ W1 + b1) @ W2 + b2 */
static mx_array forward(const mx_array *p, mx_array x) {
  for (int i = 0; i < LAYERS; i++) {
    x = mx_add(mx_matmul(x, p[2 * i]), p[2 * i + 1]);
    if (i + 1 < LAYERS) x = mx_maximum(x, mx_scalar_f(0));
  }
  return x;
}

/* Cross-entropy: mean(log(sum(exp(logits))) - logit of the label) */
static mx_array loss(const mx_array *p, void *ctx) {
  const struct batch *b = ctx;
  mx_array logits = forward(p, b->X);
  mx_array picked = mx_squeeze(mx_take_along_axis(logits, mx_expand_dims(b->labels, MX_INTS(1)), 1), MX_INTS(1));
  return mx_mean(mx_subtract(mx_logsumexp(logits, MX_INTS(1), false), picked), MX_ALL, false);
}

struct model {
  mx_array parameters[PARAMETERS], velocities[PARAMETERS];
};

/* velocity = momentum * velocity - rate * gradient;  parameter += velocity */
static mx_status learn(struct model *m, struct batch *b, const struct options *o) {
  mx_scope s = mx_scope_begin();
  mx_array g[PARAMETERS], all[2 * PARAMETERS];
  mx_status st = mx_grad(loss, b, m->parameters, PARAMETERS, g);
  for (int i = 0; !st && i < PARAMETERS; i++) {
    mx_array push = mx_multiply(mx_scalar_f(o->rate), g[i]);
    mx_set(&m->velocities[i], mx_subtract(mx_multiply(mx_scalar_f(o->momentum), m->velocities[i]), push));
    mx_set(&m->parameters[i], mx_add(m->parameters[i], m->velocities[i]));
  }
  mx_scope_end(s);
  memcpy(all, m->parameters, sizeof m->parameters);
  memcpy(all + PARAMETERS, m->velocities, sizeof m->velocities);
  return st ? st : mx_eval_all(all, 2 * PARAMETERS);
}

/* Weights are normal with variance 2 / inputs, as suits relu. */
static void init(struct model *m, int64_t width, int64_t hidden, int64_t classes) {
  const int64_t sizes[LAYERS + 1] = {width, hidden, hidden / 2, classes};
  for (int i = 0; i < LAYERS; i++) {
    float scale = sqrtf(2.0f / (float)sizes[i]);
    mx_set(&m->parameters[2 * i], mx_random_normal(MX_INTS(sizes[i], sizes[i + 1]), MX_FLOAT32, 0, scale, NULL));
    mx_set(&m->parameters[2 * i + 1], mx_zeros(MX_INTS(sizes[i + 1]), MX_FLOAT32));
  }
  for (int i = 0; i < PARAMETERS; i++) mx_set(&m->velocities[i], mx_zeros(mx_shape(m->parameters[i]), MX_FLOAT32));
}

static void clear(mx_array *arrays) {
  for (int i = 0; i < PARAMETERS; i++) mx_clear(&arrays[i]);
}

/* ---- Training ---------------------------------------------------------------------------------------------------- */
struct run {
  const struct options *options;
  struct dataset data;
  struct batch train, held_out;
  struct model model;
  struct history history;
  int64_t classes;
};

static double loss_value(struct run *r, struct batch *b) {
  mx_scope s = mx_scope_begin();
  double v = b->X ? mx_item_f64(loss(r->model.parameters, b)) : NAN;
  mx_scope_end(s);
  return v;
}

static double accuracy(const mx_array *parameters, const struct batch *b) {
  mx_scope s = mx_scope_begin();
  mx_array said = mx_argmax(forward(parameters, b->X), 1, false);
  double v = mx_item_f64(mx_mean(mx_equal(said, b->labels), MX_ALL, false));
  mx_scope_end(s);
  return v;
}

/* The rows order[0 .. count) of the training data. */
static mx_status learn_rows(struct run *r, const uint64_t *order, int64_t count) {
  mx_scope s = mx_scope_begin();
  mx_array rows = mx_from_data(order, MX_INTS(count), MX_UINT64);
  struct batch b = {mx_take(r->train.X, rows, 0), mx_take(r->train.labels, rows, 0)};
  mx_status st = mx_eval_many(b.X, b.labels);
  if (!st) st = learn(&r->model, &b, r->options);
  mx_scope_end(s);
  return st;
}

static bool report_epoch(struct run *r, long epoch, struct progress *progress, struct failure *f) {
  char line[120];
  double train = loss_value(r, &r->train), held_out = loss_value(r, &r->held_out);
  if (mx_error()) return fail(f, "%s", mx_error_message());
  double first = r->history.count ? r->history.train[0] : train;
  if (!isfinite(train) || train > 1e3 * first)
    return fail(f, "the loss grows without bound in epoch %ld: rate %g is too high", epoch, r->options->rate);
  if (!history_add(&r->history, (double)epoch, train, held_out)) return fail(f, "out of memory");
  int n = snprintf(line, sizeof line, "epoch %4ld  loss %.6f", epoch, train);
  if (r->held_out.X)
    snprintf(line + n, sizeof line - (size_t)n, "  held out %.6f, accuracy %.2f %%", held_out,
             100 * accuracy(r->model.parameters, &r->held_out));
  progress_show(progress, epoch, r->options->epochs, line);
  return true;
}

static bool train(struct run *r, struct failure *f) {
  const struct options *o = r->options;
  int64_t count = r->data.train.count;
  uint64_t state = (uint64_t)o->seed + 1, *order = malloc((size_t)count * sizeof *order);
  if (!order) return fail(f, "out of memory");
  for (int64_t i = 0; i < count; i++) order[i] = (uint64_t)i;
  struct progress progress = {.quiet = o->quiet};
  bool ok = report_epoch(r, 0, &progress, f);
  for (long epoch = 1; ok && epoch <= o->epochs; epoch++) {
    shuffle(order, (size_t)count, &state);
    for (int64_t at = 0; at < count; at += o->batch)
      if (learn_rows(r, order + at, count - at < o->batch ? count - at : o->batch)) break;
    ok = report_epoch(r, epoch, &progress, f);
  }
  progress_end(&progress);
  free(order);
  return ok;
}

/* ---- Saving ------------------------------------------------------------------------------------------------------ */
/* Saves, loads, and compares every element. */
static bool check_file(const struct run *r, const char *path, struct failure *f) {
  mx_array loaded[PARAMETERS] = {NULL};
  mx_scope s = mx_scope_begin();
  mx_array same = mx_bool(true);
  mx_save_named(path, names, r->model.parameters, PARAMETERS);
  mx_load_named(path, names, loaded, PARAMETERS);
  for (int i = 0; i < PARAMETERS; i++)
    same = mx_logical_and(same, mx_array_equal(loaded[i], r->model.parameters[i], false));
  bool equal = mx_item_i64(same);
  mx_scope_end(s);
  if (mx_error()) return fail(f, "%s", mx_error_message());
  return equal ? true : fail(f, "%s does not hold what was saved", path);
}

static bool save(const struct run *r, struct failure *f) {
  char temporary[512];
  const char *path = r->options->save, *folder = getenv("TMPDIR");
  if (!path) {
    snprintf(temporary, sizeof temporary, "%s/mica-mlp-XXXXXX", folder ? folder : P_tmpdir);
    int fd = mkstemp(temporary);
    if (fd < 0) return fail(f, "cannot make a temporary file %s", temporary);
    close(fd);
    path = temporary;
  }
  bool ok = check_file(r, path, f);
  if (ok) printf("saved as .npz, loaded again: all %d arrays equal\n", PARAMETERS);
  if (!r->options->save) remove(temporary);
  return ok;
}

/* ---- The program ------------------------------------------------------------------------------------------------- */
/* Labels must be 0, 1, 2, ...: their highest tells how many classes there are. */
static bool count_classes(struct run *r, const struct dataset_options *from, struct failure *f) {
  const struct csv *t = &r->data.table;
  for (size_t i = 0; i < t->row_count; i++) {
    double v = t->values[i * t->column_count + r->data.target];
    if (v < 0 || v != floor(v) || v >= CLASSES_MAX)
      return fail(f, "%s: the target '%s' must hold whole numbers from 0 to %d, and row %zu holds %g", from->path,
                  from->target, CLASSES_MAX - 1, i + 1, v);
    if ((int64_t)v >= r->classes) r->classes = (int64_t)v + 1;
  }
  return true;
}

static struct batch to_arrays(const struct part *part, int64_t width) {
  if (!part->count) return (struct batch){0};
  mx_array y = mx_from_data(part->y, MX_INTS(part->count), MX_FLOAT32);
  return (struct batch){mx_from_data(part->x, MX_INTS(part->count, width), MX_FLOAT32), mx_astype(y, MX_INT32)};
}

static bool report(struct run *r, double took, struct failure *f) {
  const struct batch *judge = r->held_out.X ? &r->held_out : &r->train;
  double right = accuracy(r->model.parameters, judge);
  if (mx_error()) return fail(f, "%s", mx_error_message());
  printf("accuracy on %s rows: %.2f %%, %.2f s\n", r->held_out.X ? "held-out" : "training", 100 * right, took);
  return true;
}

static bool run_all(struct run *r, const char *path, struct failure *f) {
  const struct options *o = r->options;
  mx_scope s = mx_scope_begin();
  mx_random_seed((uint64_t)o->seed);
  r->train = to_arrays(&r->data.train, r->data.width);
  r->held_out = to_arrays(&r->data.held_out, r->data.width);
  init(&r->model, r->data.width, o->hidden, r->classes);
  if (!o->quiet)
    printf("%s: %lld classes, %lld rows to train on, %lld held out, rate %g\n", path, (long long)r->classes,
           (long long)r->data.train.count, (long long)r->data.held_out.count, o->rate);
  double start = seconds();
  bool ok = train(r, f) && report(r, seconds() - start, f) && save(r, f);
  if (ok && o->plot) ok = plot_write(o->plot, "Multi-layer perceptron: loss", &r->history, f);
  clear(r->model.parameters);
  clear(r->model.velocities);
  mx_scope_end(s);
  return ok;
}

static bool fit_table(const struct options *o, struct failure *f) {
  char standard[512];
  dataset_path(standard, sizeof standard, "digits.csv");
  const struct dataset_options from = {
      o->data ? o->data : standard, o->target, o->held_out, (uint64_t)o->seed, false, true};
  struct run r = {.options = o};
  if (!dataset_read(&r.data, &from, f)) return false;
  bool ok = count_classes(&r, &from, f) && run_all(&r, from.path, f);
  history_free(&r.history);
  dataset_free(&r.data);
  return ok;
}

int main(int argc, char **argv) {
  struct options o = {
      .target = "target", .epochs = 30, .batch = 64, .hidden = 128, .rate = 0.05, .momentum = 0.9, .held_out = 0.2};
  const struct cli_option table[] = {
      {"data", CLI_TEXT, &o.data, 0, 0, "FILE.csv", "the table to learn (default: data/digits.csv)"},
      {"target", CLI_TEXT, &o.target, 0, 0, "COLUMN", "the column of classes 0, 1, ... (default: target)"},
      {"epochs", CLI_INTEGER, &o.epochs, 1, 1e6, "N", "passes over the training rows (default: 30)"},
      {"batch", CLI_INTEGER, &o.batch, 1, 1e6, "N", "rows in a step (default: 64)"},
      {"hidden", CLI_INTEGER, &o.hidden, 2, 1e5, "N",
       "units of the first hidden layer, twice the second (default: 128)"},
      {"rate", CLI_REAL, &o.rate, 1e-12, 1e6, "R", "learning rate (default: 0.05)"},
      {"momentum", CLI_REAL, &o.momentum, 0, 0.9999, "M", "part of a step that goes on (default: 0.9)"},
      {"validation", CLI_REAL, &o.held_out, 0, 0.9, "F", "fraction of rows held out (default: 0.2)"},
      {"seed", CLI_INTEGER, &o.seed, 0, 1e9, "N", "of the weights, the split and the batches (default: 0)"},
      {"threads", CLI_INTEGER, &o.threads, 1, 1024, "N", "threads to use (default: all)"},
      {"save", CLI_TEXT, &o.save, 0, 0, "FILE.npz", "keep the trained parameters"},
      {"plot", CLI_TEXT, &o.plot, 0, 0, "FILE.svg", "draw the loss"},
      {"quiet", CLI_FLAG, &o.quiet, 0, 0, NULL, "print the results alone"},
  };
  struct failure f = {""};
  enum cli_result parsed = cli_parse(argc, argv, "A multi-layer perceptron.", table, sizeof table / sizeof *table, &f);
  if (parsed == CLI_HELP) return EXIT_OK;
  if (parsed == CLI_RUN) {
    if (o.threads) mx_set_num_threads((int)o.threads);
    if (fit_table(&o, &f)) return EXIT_OK;
  }
  fflush(stdout);
  fprintf(stderr, "mlp: %s\n", f.text);
  return parsed == CLI_USAGE ? EXIT_USAGE : EXIT_FAILED;
}
