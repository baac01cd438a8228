/* Linear regression by gradient descent, twice: a synthetic problem whose answer is known, and a table of real
 * measurements, with rows held out, a check for convergence, and the closed-form answer to compare with.
 * The part that uses mica is loss() and descend(); the rest reads options and reports. */
#include <mica.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/cli.h"
#include "common/dataset.h"
#include "common/plot.h"
#include "common/progress.h"

#define REPORT_EVERY 200
#define CONVERGED    1e-6 /* relative gain between two reports that counts as none */

struct options {
  const char *data, *target, *plot;
  long steps, seed, threads;
  double rate, held_out;
  bool quiet;
};

struct problem {
  mx_array X, y;
};

/* ---- Descent ----------------------------------------------------------------------------------------------------- */
/* loss = mean((X @ w - y)^2) / 2 */
static mx_array loss(const mx_array *w, void *ctx) {
  const struct problem *p = ctx;
  return mx_multiply(mx_scalar_f(0.5), mx_mean(mx_square(mx_subtract(mx_matmul(p->X, w[0]), p->y)), MX_ALL, false));
}

/* One step: w becomes w - rate * gradient. Closing the scope before mx_eval leaves mica free to fuse all of it. */
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

/* ---- The synthetic problem --------------------------------------------------------------------------------------- */
enum { FEATURES = 100, EXAMPLES = 1000, STEPS = 10000 };

static mx_array normal(mx_ints shape, float scale) { return mx_random_normal(shape, MX_FLOAT32, 0, scale, NULL); }

static bool report_synthetic(struct problem *p, mx_array w, mx_array w_star, double took, struct failure *f) {
  mx_array distance = mx_sqrt(mx_sum(mx_square(mx_subtract(w, w_star)), MX_ALL, false));
  double value = loss_value(p, w), error = mx_item_f64(distance);
  if (mx_error()) return fail(f, "%s", mx_error_message());
  if (!isfinite(value)) return fail(f, "the loss grows without bound: a lower --rate would help");
  printf("Loss %.5f, |w-w*| = %.5f, %.2f s\n", value, error, took);
  return true;
}

static bool solve_synthetic(const struct options *o, struct failure *f) {
  long steps = o->steps ? o->steps : STEPS;
  double rate = o->rate > 0 ? o->rate : 0.01;
  if (!o->quiet) printf("synthetic: %d examples, %d features, %ld steps, rate %g\n", EXAMPLES, FEATURES, steps, rate);
  mx_scope s = mx_scope_begin();
  mx_random_seed((uint64_t)o->seed);
  mx_array w_star = normal(MX_INTS(FEATURES), 1), w = NULL;
  struct problem p = {.X = normal(MX_INTS(EXAMPLES, FEATURES), 1)};
  p.y = mx_add(mx_matmul(p.X, w_star), normal(MX_INTS(EXAMPLES), 1e-2f));
  mx_set(&w, normal(MX_INTS(FEATURES), 1e-2f));
  mx_eval_many(w_star, p.X, p.y, w);

  struct progress progress = {.quiet = o->quiet};
  char line[80];
  double start = seconds();
  for (long step = 1; step <= steps && !descend(&p, &w, rate); step++) {
    if (step % (10 * REPORT_EVERY)) continue;
    snprintf(line, sizeof line, "step %6ld  loss %.6g", step, loss_value(&p, w));
    progress_show(&progress, step, steps, line);
  }
  progress_end(&progress);
  bool ok = report_synthetic(&p, w, w_star, seconds() - start, f);
  mx_clear(&w);
  mx_scope_end(s);
  return ok;
}

/* ---- Real data --------------------------------------------------------------------------------------------------- */
static struct problem to_arrays(const struct part *part, int64_t width) {
  if (!part->count) return (struct problem){0};
  return (struct problem){mx_from_data(part->x, MX_INTS(part->count, width), MX_FLOAT32),
                          mx_from_data(part->y, MX_INTS(part->count), MX_FLOAT32)};
}

/* 1 - residual sum of squares / total sum of squares; NaN where nothing was held out. */
static double r_squared(const struct problem *p, mx_array w) {
  if (!p->X) return NAN;
  mx_scope s = mx_scope_begin();
  mx_array left = mx_sum(mx_square(mx_subtract(p->y, mx_matmul(p->X, w))), MX_ALL, false);
  mx_array all = mx_sum(mx_square(mx_subtract(p->y, mx_mean(p->y, MX_ALL, false))), MX_ALL, false);
  double v = 1 - mx_item_f64(left) / mx_item_f64(all);
  mx_scope_end(s);
  return v;
}

/* The least-squares answer from the normal equations, in float64: (X' X) w = X' y. NULL when X has dependent columns.
 */
static mx_array closed_form(const struct problem *p) {
  mx_scope s = mx_scope_begin();
  mx_array X = mx_astype(p->X, MX_FLOAT64), y = mx_astype(p->y, MX_FLOAT64), Xt = mx_transpose(X, MX_ALL);
  mx_array w = mx_scope_end_keep(s, mx_astype(mx_linalg_solve(mx_matmul(Xt, X), mx_matmul(Xt, y)), MX_FLOAT32));
  if (!mx_eval(w)) return w;
  mx_error_clear();
  return NULL;
}

struct fit {
  const struct options *options;
  struct dataset data;
  struct problem train, held_out;
  struct history history;
  mx_array w;
  long steps; /* the most there may be */
  long taken;
  double rate;
  bool converged;
};

/* Notes both losses at a step; false when they are not finite, or when mica failed. */
static bool report_step(struct fit *fit, long step, struct progress *progress, struct failure *f) {
  char line[120];
  double train = loss_value(&fit->train, fit->w), held_out = loss_value(&fit->held_out, fit->w);
  if (mx_error()) return fail(f, "%s", mx_error_message());
  double first = fit->history.count ? fit->history.train[0] : train;
  if (!isfinite(train) || train > 1e3 * first)
    return fail(f, "the loss grows without bound at step %ld: rate %g is too high", step, fit->rate);
  if (!history_add(&fit->history, (double)step, train, held_out)) return fail(f, "out of memory");
  int n = snprintf(line, sizeof line, "step %6ld  loss %.6g", step, train);
  if (fit->held_out.X) snprintf(line + n, sizeof line - (size_t)n, "  held out %.6g", held_out);
  progress_show(progress, step, fit->steps, line);
  return true;
}

static bool has_converged(const struct history *h) {
  if (h->count < 2) return false;
  double before = h->train[h->count - 2], now = h->train[h->count - 1];
  return before - now <= CONVERGED * now;
}

static bool descend_all(struct fit *fit, struct failure *f) {
  struct progress progress = {.quiet = fit->options->quiet};
  bool ok = report_step(fit, 0, &progress, f);
  while (ok && !fit->converged && fit->taken < fit->steps) {
    descend(&fit->train, &fit->w, fit->rate);
    fit->taken++;
    if (fit->taken % REPORT_EVERY && fit->taken < fit->steps) continue;
    ok = report_step(fit, fit->taken, &progress, f);
    fit->converged = has_converged(&fit->history);
  }
  progress_end(&progress);
  return ok;
}

static void print_coefficients(const struct fit *fit, mx_array exact) {
  const float *ours = mx_data(fit->w), *theirs = exact ? mx_data(exact) : NULL;
  if (!ours || fit->options->quiet || fit->data.width > 40) return;
  printf("%-24s %12s %12s\n", "standardised feature", "descent", "closed form");
  for (int64_t i = 0; i < fit->data.width; i++) {
    printf("%-24s %12.4f", dataset_feature(&fit->data, i), (double)ours[i]);
    if (theirs)
      printf(" %12.4f\n", (double)theirs[i]);
    else
      printf(" %12s\n", "-");
  }
}

static bool report_fit(struct fit *fit, struct failure *f) {
  mx_array exact = closed_form(&fit->train);
  const struct problem *judge = fit->held_out.X ? &fit->held_out : &fit->train;
  print_coefficients(fit, exact);
  double ours = r_squared(judge, fit->w), theirs = exact ? r_squared(judge, exact) : NAN;
  if (mx_error()) return fail(f, "%s", mx_error_message());
  printf("%s after %ld steps\n", fit->converged ? "converged" : "stopped, not converged,", fit->taken);
  printf("R2 on %s rows: %.4f by descent, ", fit->held_out.X ? "held-out" : "training", ours);
  if (exact)
    printf("%.4f in closed form\n", theirs);
  else
    printf("no closed form: columns depend on each other\n");
  return true;
}

static bool run_fit(struct fit *fit, const char *path, struct failure *f) {
  const struct options *o = fit->options;
  mx_scope s = mx_scope_begin();
  fit->train = to_arrays(&fit->data.train, fit->data.width);
  fit->held_out = to_arrays(&fit->data.held_out, fit->data.width);
  mx_set(&fit->w, mx_zeros(MX_INTS(fit->data.width), MX_FLOAT32));
  if (!o->quiet)
    printf("%s: target '%s', %lld rows to train on, %lld held out, rate %g\n", path, o->target,
           (long long)fit->data.train.count, (long long)fit->data.held_out.count, fit->rate);
  bool ok = descend_all(fit, f) && report_fit(fit, f);
  if (ok && o->plot) ok = plot_write(o->plot, "Linear regression: loss", &fit->history, f);
  mx_clear(&fit->w);
  mx_scope_end(s);
  return ok;
}

static bool fit_table(const struct options *o, struct failure *f) {
  char standard[512];
  dataset_path(standard, sizeof standard, "diabetes.csv");
  const struct dataset_options from = {
      o->data ? o->data : standard, o->target, o->held_out, (uint64_t)o->seed, true, false};
  struct fit fit = {.options = o, .steps = o->steps ? o->steps : STEPS, .rate = o->rate > 0 ? o->rate : 0.1};
  if (!dataset_read(&fit.data, &from, f)) return false;
  bool ok = run_fit(&fit, from.path, f);
  history_free(&fit.history);
  dataset_free(&fit.data);
  return ok;
}

/* ---- The program ------------------------------------------------------------------------------------------------- */
int main(int argc, char **argv) {
  struct options o = {.target = "target", .held_out = 0.2};
  const struct cli_option table[] = {
      {"data", CLI_TEXT, &o.data, 0, 0, "FILE.csv",
       "fit this table alone (default: a synthetic problem, then data/diabetes.csv)"},
      {"target", CLI_TEXT, &o.target, 0, 0, "COLUMN", "the column to predict (default: target)"},
      {"steps", CLI_INTEGER, &o.steps, 1, 1e9, "N", "the most steps to take (default: 10000)"},
      {"rate", CLI_REAL, &o.rate, 1e-12, 1e6, "R", "learning rate (default: 0.01 synthetic, 0.1 for tables)"},
      {"validation", CLI_REAL, &o.held_out, 0, 0.9, "F", "fraction of rows held out (default: 0.2)"},
      {"seed", CLI_INTEGER, &o.seed, 0, 1e9, "N", "of the random numbers and the split (default: 0)"},
      {"threads", CLI_INTEGER, &o.threads, 1, 1024, "N", "threads to use (default: all)"},
      {"plot", CLI_TEXT, &o.plot, 0, 0, "FILE.svg", "draw the loss of the table's fit"},
      {"quiet", CLI_FLAG, &o.quiet, 0, 0, NULL, "print the results alone"},
  };
  struct failure f = {""};
  enum cli_result parsed =
      cli_parse(argc, argv, "Linear regression by gradient descent.", table, sizeof table / sizeof *table, &f);
  if (parsed == CLI_HELP) return EXIT_OK;
  if (parsed == CLI_RUN) {
    if (o.threads) mx_set_num_threads((int)o.threads);
    if ((o.data || solve_synthetic(&o, &f)) && fit_table(&o, &f)) return EXIT_OK;
  }
  fflush(stdout);
  fprintf(stderr, "linear_regression: %s\n", f.text);
  return parsed == CLI_USAGE ? EXIT_USAGE : EXIT_FAILED;
}
