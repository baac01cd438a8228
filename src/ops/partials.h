/* Builders by their bare names, for the partials of core/elementwise.def, in functions with a context `ctx`.
 * Printed by tools/opgen: edit the tables. No guard: for ops/elementwise_rules.c alone. */
#define add(x, y) mxi_add(ctx, x, y)
#define subtract(x, y) mxi_subtract(ctx, x, y)
#define multiply(x, y) mxi_multiply(ctx, x, y)
#define divide(x, y) mxi_divide(ctx, x, y)
#define square(x) mxi_square(ctx, x)
#define negative(x) mxi_negative(ctx, x)
#define exp(x) mxi_exp(ctx, x)
#define sigmoid(x) mxi_sigmoid(ctx, x)
#define reciprocal(x) mxi_reciprocal(ctx, x)
