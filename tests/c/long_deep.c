/* Graphs a million nodes deep. */
#define DEEP_NODES 1000000
#include "deep.h"

int main(void) { return deep_tests(); }
