/* Graphs a hundred thousand nodes deep. */
#define DEEP_NODES 100000
#include "deep.h"

int main(void) { return deep_tests(); }
