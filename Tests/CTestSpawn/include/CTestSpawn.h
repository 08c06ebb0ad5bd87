// What the tests need to start programs, and Swift's Glibc module does not show.
#ifndef SYNAPSE_EDGE_CTESTSPAWN_H
#define SYNAPSE_EDGE_CTESTSPAWN_H
#include <sys/types.h>

/// A pipe whose ends are close-on-exec; -1 with errno.
int test_pipe(int ends[2]);
/// Starts a program with `input` as its standard input (/dev/null for -1) and `output` as its
/// standard output and error, no further descriptor, the default actions of all signals and none
/// of them blocked. Returns its process id, or a negated errno.
pid_t test_spawn(const char *program, char *const *arguments, char *const *environment, int input,
                 int output);
#endif
