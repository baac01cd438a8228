/* The elementary functions of two operands: PAIR(row, C function, oracle of float32, of float64, largest error in ulp for
 * float32, for float64, what a result that cancels may be wrong by beyond that). */
PAIR(power, pow, pow, powl, 0.51, 1.5, 0)
PAIR(arctan2, atan2, atan2, atan2l, 1.75, 2, 0)
PAIR(logaddexp, logaddexp, logaddexp, logaddexpl, 0.6, 0.75, 0x1p-52)
PAIR(remainder, remainder, python_remainder, python_remainderl, 0, 0.5, 0)
PAIR(floor_divide, floor_divide, floor_divide, floor_dividel, 0, 0, 0)
