/* The elementary functions of one operand: ROW(name, float64 oracle, largest error allowed in ulp). LOOP(name), where
 * it is defined, comes first: each includer defines one of the two. */
#ifdef LOOP
#define ROW(name, oracle, bound) LOOP(name)
#endif
ROW(exp, exp, 1)
ROW(expm1, expm1, 1)
ROW(log, log, 1)
ROW(log1p, log1p, 1.5)
ROW(tanh, tanh, 2)
ROW(erf, erf, 1)
ROW(sigmoid, sigmoid_oracle, 2)
ROW(sqrt, sqrt, 0.5)
ROW(rsqrt, rsqrt_oracle, 1)
ROW(floor, floor, 0)
ROW(ceil, ceil, 0)
ROW(trunc, trunc, 0)
ROW(rint, rint, 0)
#ifdef LOOP
#undef ROW
#endif
