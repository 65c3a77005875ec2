// How long OpenMP's threads wait for each other before they let the processor go.
//
// libgomp lets them spin for milliseconds, which costs nothing on an idle machine. As soon as anything else runs, the
// spinning thread holds the processor that the awaited one needs, and training becomes many times slower. libgomp reads
// its environment when it is loaded, before `main`; functions in this section run before any library's.

#include <stdlib.h>

static void choose_waiting(int count, char **arguments, char **environment) {
    (void)count, (void)arguments, (void)environment;
    if (getenv("OMP_WAIT_POLICY") == NULL) setenv("GOMP_SPINCOUNT", "2000", 0);
}

__attribute__((section(".preinit_array"), used)) static void (*const choose_waiting_first)(int, char **, char **) =
    choose_waiting;
