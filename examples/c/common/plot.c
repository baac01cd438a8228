/* An SVG of two curves with axes, ticks and a legend. All coordinates are computed here; the viewer only draws. */
#include "common/plot.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 720, HEIGHT = 420, LEFT = 80, RIGHT = 20, TOP = 40, BOTTOM = 50, TICKS = 5 };

static bool grow(double **values, size_t capacity) {
  double *more = realloc(*values, capacity * sizeof **values);
  if (more) *values = more;
  return more != NULL;
}

bool history_add(struct history *h, double step, double train, double held_out) {
  if (h->count == h->capacity) {
    size_t capacity = h->capacity ? h->capacity * 2 : 64;
    if (!grow(&h->steps, capacity) || !grow(&h->train, capacity) || !grow(&h->held_out, capacity)) return false;
    h->capacity = capacity;
  }
  h->steps[h->count] = step;
  h->train[h->count] = train;
  h->held_out[h->count++] = held_out;
  return true;
}

void history_free(struct history *h) {
  free(h->steps);
  free(h->train);
  free(h->held_out);
  *h = (struct history){0};
}

struct axes {
  double last_step, low, high;
  bool is_log;
};

static void include(struct axes *a, const double *values, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (!isfinite(values[i])) continue;
    a->low = fmin(a->low, values[i]);
    a->high = fmax(a->high, values[i]);
  }
}

static struct axes choose_axes(const struct history *h) {
  struct axes a = {h->count ? h->steps[h->count - 1] : 1, INFINITY, -INFINITY, false};
  include(&a, h->train, h->count);
  include(&a, h->held_out, h->count);
  if (!(a.low <= a.high)) a.low = a.high = 1;
  a.is_log = a.low > 0;
  if (a.is_log) a.low = log10(a.low), a.high = log10(a.high);
  double margin = a.high > a.low ? 0.05 * (a.high - a.low) : 0.5;
  a.low -= margin;
  a.high += margin;
  if (a.last_step <= 0) a.last_step = 1;
  return a;
}

static double x_of(const struct axes *a, double step) { return LEFT + (WIDTH - LEFT - RIGHT) * step / a->last_step; }
static double y_of(const struct axes *a, double v) {
  return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * ((a->is_log ? log10(v) : v) - a->low) / (a->high - a->low);
}

static void draw_axes(FILE *out, const struct axes *a) {
  for (int i = 0; i <= TICKS; i++) {
    double part = (double)i / TICKS, step = part * a->last_step, v = a->low + part * (a->high - a->low);
    if (a->is_log) v = pow(10, v);
    fprintf(out, "<text x='%.1f' y='%d' text-anchor='middle'>%.4g</text>\n", x_of(a, step), HEIGHT - BOTTOM + 20, step);
    fprintf(out, "<text x='%d' y='%.1f' text-anchor='end'>%.3g</text>\n", LEFT - 8, y_of(a, v) + 4, v);
    fprintf(out, "<line x1='%d' y1='%.1f' x2='%d' y2='%.1f' stroke='#ddd'/>\n", LEFT, y_of(a, v), WIDTH - RIGHT,
            y_of(a, v));
  }
  fprintf(out, "<text x='%d' y='%d' text-anchor='middle'>step</text>\n", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10);
}

/* A curve and its line in the legend; nothing when no value is finite. */
static int draw_curve(FILE *out, const struct axes *a, const struct history *h, const double *values, const char *name,
                      const char *colour, int legend) {
  size_t drawn = 0;
  for (size_t i = 0; i < h->count; i++) {
    if (!isfinite(values[i])) continue;
    fprintf(out, drawn++ ? " %.1f,%.1f" : "<polyline fill='none' stroke-width='2' points='%.1f,%.1f",
            x_of(a, h->steps[i]), y_of(a, values[i]));
  }
  if (!drawn) return legend;
  fprintf(out, "' stroke='%s'/>\n", colour);
  int y = TOP + 16 + 18 * legend;
  fprintf(out, "<line x1='%d' y1='%d' x2='%d' y2='%d' stroke='%s' stroke-width='2'/>\n", WIDTH - 150, y - 4,
          WIDTH - 125, y - 4, colour);
  fprintf(out, "<text x='%d' y='%d'>%s</text>\n", WIDTH - 118, y, name);
  return legend + 1;
}

static void write_escaped(FILE *out, const char *text) {
  for (; *text; text++) {
    if (*text == '<')
      fputs("&lt;", out);
    else if (*text == '&')
      fputs("&amp;", out);
    else
      fputc(*text, out);
  }
}

bool plot_write(const char *path, const char *title, const struct history *h, struct failure *f) {
  FILE *out = fopen(path, "w");
  if (!out) return fail(f, "cannot write %s: %s", path, strerror(errno));
  struct axes a = choose_axes(h);
  fprintf(out,
          "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' font-family='sans-serif' font-size='12'>\n",
          WIDTH, HEIGHT);
  fprintf(out, "<rect width='100%%' height='100%%' fill='white'/>\n<text x='%d' y='24' font-size='15'>", LEFT);
  write_escaped(out, title);
  fprintf(out, "</text>\n");
  draw_axes(out, &a);
  int legend = draw_curve(out, &a, h, h->train, "training", "#1f77b4", 0);
  draw_curve(out, &a, h, h->held_out, "held out", "#d62728", legend);
  fprintf(out, "</svg>\n");
  errno = 0;
  bool failed = ferror(out);
  if (fclose(out) || failed) return fail(f, "cannot write %s: %s", path, errno ? strerror(errno) : "the disk is full");
  return true;
}
