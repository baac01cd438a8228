/* Logistic regression by gradient descent on a table with a target of zeros and ones: by default, whether a breast
 * tumour is benign. Reports accuracy and the area under the ROC curve on rows held out. The part that uses mica is
 * loss() and descend(); the rest reads options and reports. */
#include <mica.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/cli.h"
#include "common/dataset.h"
#include "common/plot.h"
#include "common/progress.h"

#define REPORT_EVERY 200

struct options {
  const char *data, *target, *plot;
  long steps, seed, threads;
  double rate, held_out, decay;
  bool quiet;
};

struct problem {
  mx_array X, y;
  double decay;
};

/* ---- Descent ----------------------------------------------------------------------------------------------------- */
/* loss = mean(log(1 + exp(z)) - y z) + decay * |w|^2 / 2 with z = X @ w: the negative log-likelihood per row, and a
 * pull towards zero, without which data that can be separated has no finite answer. */
static mx_array loss(const mx_array *w, void *ctx) {
  const struct problem *p = ctx;
  mx_array z = mx_matmul(p->X, w[0]);
  mx_array likelihood = mx_mean(mx_subtract(mx_logaddexp(mx_scalar_f(0), z), mx_multiply(p->y, z)), MX_ALL, false);
  mx_array pull = mx_multiply(mx_scalar_f(0.5 * p->decay), mx_sum(mx_square(w[0]), MX_ALL, false));
  return mx_add(likelihood, pull);
}

static mx_status descend(struct problem *p, mx_array *w, double rate) {
  mx_scope s = mx_scope_begin();
  mx_array g = NULL;
  mx_status st = mx_grad(loss, p, w, 1, &g);
  if (!st) mx_set(w, mx_subtract(*w, mx_multiply(mx_scalar_f(rate), g)));
  mx_scope_end(s);
  return st ? st : mx_eval(*w);
}

static double loss_value(struct problem *p, mx_array w) {
  mx_scope s = mx_scope_begin();
  double v = p->X ? mx_item_f64(loss(&w, p)) : NAN;
  mx_scope_end(s);
  return v;
}

/* ---- Judging ----------------------------------------------------------------------------------------------------- */
static double accuracy(const struct problem *p, mx_array w) {
  mx_scope s = mx_scope_begin();
  mx_array said = mx_greater(mx_matmul(p->X, w), mx_scalar_f(0)), is = mx_greater(p->y, mx_scalar_f(0.5));
  double v = mx_item_f64(mx_mean(mx_equal(said, is), MX_ALL, false));
  mx_scope_end(s);
  return v;
}

/* The probability that a row of ones scores above a row of zeros, ties counting half; NaN when one kind is missing. */
static double area_under_roc(const struct problem *p, mx_array w) {
  mx_scope s = mx_scope_begin();
  const float *score = mx_data(mx_matmul(p->X, w)), *y = mx_data(p->y);
  int64_t n = mx_dim(p->y, 0);
  double wins = 0, pairs = 0;
  for (int64_t i = 0; score && y && i < n; i++)
    for (int64_t j = 0; y[i] > 0.5f && j < n; j++) {
      if (y[j] > 0.5f) continue;
      wins += score[i] > score[j] ? 1 : score[i] == score[j] ? 0.5 : 0;
      pairs++;
    }
  mx_scope_end(s);
  return pairs > 0 ? wins / pairs : NAN;
}

/* ---- The fit ----------------------------------------------------------------------------------------------------- */
struct fit {
  const struct options *options;
  struct dataset data;
  struct problem train, held_out;
  struct history history;
  mx_array w;
};

static bool check_labels(const struct dataset *d, const struct dataset_options *from, struct failure *f) {
  const struct csv *t = &d->table;
  for (size_t i = 0; i < t->row_count; i++) {
    double v = t->values[i * t->column_count + d->target];
    if (v != 0 && v != 1)
      return fail(f, "%s: the target '%s' must hold zeros and ones, and row %zu holds %g", from->path, from->target,
                  i + 1, v);
  }
  return true;
}

static struct problem to_arrays(const struct part *part, int64_t width, double decay) {
  if (!part->count) return (struct problem){0};
  return (struct problem){mx_from_data(part->x, MX_INTS(part->count, width), MX_FLOAT32),
                          mx_from_data(part->y, MX_INTS(part->count), MX_FLOAT32), decay};
}

static bool report_step(struct fit *fit, long step, struct progress *progress, struct failure *f) {
  const struct options *o = fit->options;
  char line[120];
  double train = loss_value(&fit->train, fit->w), held_out = loss_value(&fit->held_out, fit->w);
  if (mx_error()) return fail(f, "%s", mx_error_message());
  double first = fit->history.count ? fit->history.train[0] : train;
  if (!isfinite(train) || train > 1e3 * first)
    return fail(f, "the loss grows without bound at step %ld: rate %g is too high", step, o->rate);
  if (!history_add(&fit->history, (double)step, train, held_out)) return fail(f, "out of memory");
  int n = snprintf(line, sizeof line, "step %6ld  loss %.6f", step, train);
  if (fit->held_out.X) snprintf(line + n, sizeof line - (size_t)n, "  held out %.6f", held_out);
  progress_show(progress, step, o->steps, line);
  return true;
}

static bool descend_all(struct fit *fit, struct failure *f) {
  const struct options *o = fit->options;
  struct progress progress = {.quiet = o->quiet};
  bool ok = report_step(fit, 0, &progress, f);
  for (long step = 1; ok && step <= o->steps; step++) {
    descend(&fit->train, &fit->w, o->rate);
    if (step % REPORT_EVERY == 0 || step == o->steps) ok = report_step(fit, step, &progress, f);
  }
  progress_end(&progress);
  return ok;
}

static bool report_fit(struct fit *fit, struct failure *f) {
  const struct problem *judge = fit->held_out.X ? &fit->held_out : &fit->train;
  double right = accuracy(judge, fit->w), area = area_under_roc(judge, fit->w);
  if (mx_error()) return fail(f, "%s", mx_error_message());
  printf("on %s rows: accuracy %.2f %%, ROC AUC %.4f\n", fit->held_out.X ? "held-out" : "training", 100 * right, area);
  return true;
}

static bool run_fit(struct fit *fit, const char *path, struct failure *f) {
  const struct options *o = fit->options;
  mx_scope s = mx_scope_begin();
  fit->train = to_arrays(&fit->data.train, fit->data.width, o->decay);
  fit->held_out = to_arrays(&fit->data.held_out, fit->data.width, o->decay);
  mx_set(&fit->w, mx_zeros(MX_INTS(fit->data.width), MX_FLOAT32));
  if (!o->quiet)
    printf("%s: target '%s', %lld rows to train on, %lld held out, rate %g\n", path, o->target,
           (long long)fit->data.train.count, (long long)fit->data.held_out.count, o->rate);
  bool ok = descend_all(fit, f) && report_fit(fit, f);
  if (ok && o->plot) ok = plot_write(o->plot, "Logistic regression: loss", &fit->history, f);
  mx_clear(&fit->w);
  mx_scope_end(s);
  return ok;
}

static bool fit_table(const struct options *o, struct failure *f) {
  char standard[512];
  dataset_path(standard, sizeof standard, "breast_cancer.csv");
  const struct dataset_options from = {
      o->data ? o->data : standard, o->target, o->held_out, (uint64_t)o->seed, true, false};
  struct fit fit = {.options = o};
  if (!dataset_read(&fit.data, &from, f)) return false;
  bool ok = check_labels(&fit.data, &from, f) && run_fit(&fit, from.path, f);
  history_free(&fit.history);
  dataset_free(&fit.data);
  return ok;
}

/* ---- The program ------------------------------------------------------------------------------------------------- */
int main(int argc, char **argv) {
  struct options o = {.target = "target", .steps = 2000, .rate = 0.1, .held_out = 0.2, .decay = 1e-3};
  const struct cli_option table[] = {
      {"data", CLI_TEXT, &o.data, 0, 0, "FILE.csv", "the table to fit (default: data/breast_cancer.csv)"},
      {"target", CLI_TEXT, &o.target, 0, 0, "COLUMN", "the column of zeros and ones (default: target)"},
      {"steps", CLI_INTEGER, &o.steps, 1, 1e9, "N", "steps to take (default: 2000)"},
      {"rate", CLI_REAL, &o.rate, 1e-12, 1e6, "R", "learning rate (default: 0.1)"},
      {"decay", CLI_REAL, &o.decay, 0, 1e6, "D", "weight of |w|^2 / 2 in the loss (default: 0.001)"},
      {"validation", CLI_REAL, &o.held_out, 0, 0.9, "F", "fraction of rows held out (default: 0.2)"},
      {"seed", CLI_INTEGER, &o.seed, 0, 1e9, "N", "of the split (default: 0)"},
      {"threads", CLI_INTEGER, &o.threads, 1, 1024, "N", "threads to use (default: all)"},
      {"plot", CLI_TEXT, &o.plot, 0, 0, "FILE.svg", "draw the loss"},
      {"quiet", CLI_FLAG, &o.quiet, 0, 0, NULL, "print the results alone"},
  };
  struct failure f = {""};
  enum cli_result parsed =
      cli_parse(argc, argv, "Logistic regression by gradient descent.", table, sizeof table / sizeof *table, &f);
  if (parsed == CLI_HELP) return EXIT_OK;
  if (parsed == CLI_RUN) {
    if (o.threads) mx_set_num_threads((int)o.threads);
    if (fit_table(&o, &f)) return EXIT_OK;
  }
  fflush(stdout);
  fprintf(stderr, "logistic_regression: %s\n", f.text);
  return parsed == CLI_USAGE ? EXIT_USAGE : EXIT_FAILED;
}
