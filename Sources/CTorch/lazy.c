// Loads the library with libtorch and FAISS, once, when one of its functions is first called.
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <torch/headeronly/version.h>

#include "ctorch.h"

static void *library;
static char problem[1024];

static void *find(const char *name) {
    void *function = dlsym(library, name);
    if (!function && !*problem) snprintf(problem, sizeof problem, "%s", dlerror());
    return function;
}

// The library is found beside the program, by the path that the program carries for its libraries. Its symbols are
// for everybody: libtorch_cuda, which may follow, looks for libtorch's.
static void open_library(void) {
    library = dlopen("libRetortNative.so", RTLD_LAZY | RTLD_GLOBAL);
    if (!library) {
        snprintf(problem, sizeof problem, "%s", dlerror());
        return;
    }
    // A program built for 2.11 starts with 2.13, and computes nonsense.
    uint64_t (*version)(void) = (uint64_t(*)(void))find("aoti_torch_abi_version");
    if (!version) return;
    int major = version() >> 56 & 0xFF, minor = version() >> 48 & 0xFF;
    if (major != TORCH_VERSION_MAJOR || minor != TORCH_VERSION_MINOR)
        snprintf(problem, sizeof problem, "built for libtorch %d.%d, but %d.%d is there", TORCH_VERSION_MAJOR,
                 TORCH_VERSION_MINOR, major, minor);
}

const char *ct_library_problem(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, open_library);
    return *problem ? problem : NULL;
}

// Writes the addresses of `count` functions to their slots. Several threads may do the same at once: a slot is read
// whole, before or after. Without the functions nobody could go on: whoever called wants a result, and there is no
// error that every function could return.
void retort_fill_lazy_slots(const char *const *names, void **slots, unsigned count) {
    if (!ct_library_problem()) {
        for (unsigned i = 0; i < count; i++) {
            void *function = find(names[i]);
            if (!function) break;
            __atomic_store_n(&slots[i], function, __ATOMIC_RELEASE);
        }
    }
    if (!*problem) return;
    fprintf(stderr, "retort: error: libtorch cannot be used: %s\n  hint: build again with 'make build'\n", problem);
    fflush(NULL);
    _Exit(69);
}
