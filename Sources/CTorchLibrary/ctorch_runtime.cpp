// The library itself: versions, threads, determinism, CUDA.
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>
#include <malloc.h>

#include <cstdlib>
#include <string>

#include "ctorch_internal.h"

using namespace ct;

extern "C" {

// Exported by libtorch and libgomp; their headers bring in far more than these two lines.
uint64_t aoti_torch_abi_version();
void omp_set_num_threads(int);

CTStatus ct_set_threads(int32_t count) {
    return guarded([&] { at::set_num_threads(count); });
}

int32_t ct_threads(void) { return at::get_num_threads(); }

void ct_release_memory(void) { malloc_trim(0); }

void ct_use_one_thread_here(void) {
    // Asking first makes libtorch set this thread up, so that it does not do so later and undo the next line.
    at::get_num_threads();
    omp_set_num_threads(1);
}

CTStatus ct_set_deterministic(bool enabled) {
    return guarded([&] {
        // cuBLAS reads this when its first handle is made; without it, deterministic products are refused.
        if (enabled) setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0);
        auto &context = at::globalContext();
        context.setDeterministicAlgorithms(enabled, /*warn_only=*/false);
        // Filling fresh memory guards against reading it; no operation here does, and it costs a pass.
        context.setDeterministicFillUninitializedMemory(false);
        context.setDeterministicCuDNN(enabled);
        context.setBenchmarkCuDNN(false);
    });
}

}  // extern "C"

namespace {

struct Cuda {
    int32_t devices = 0;
    std::string reason;
};

// Loaded on first use and never linked: the same binary then runs where there is no CUDA. It has to come
// before the first look at libtorch's CUDA hooks, which settle once on a stub.
const Cuda &cuda() {
    static const Cuda found = [] {
        Cuda result;
        Dl_info info;
        if (dladdr(reinterpret_cast<const void *>(&aoti_torch_abi_version), &info) == 0 || !info.dli_fname) {
            result.reason = "libtorch_cpu could not be located";
            return result;
        }
        std::string path = info.dli_fname;
        path = path.substr(0, path.rfind('/') + 1) + "libtorch_cuda.so";
        if (dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
            const char *message = dlerror();
            result.reason = message ? message : "libtorch_cuda could not be loaded";
            return result;
        }
        CTStatus status = guarded([&] {
            if (!at::globalContext().hasCUDA()) return;
            result.devices = int32_t(at::detail::getCUDAHooks().deviceCount());
        });
        if (status != CT_OK) {
            result.reason = ct_last_error();
        } else if (result.devices == 0) {
            result.reason = "libtorch was built for CUDA, but found no device";
        }
        return result;
    }();
    return found;
}

}  // namespace

extern "C" {

int32_t ct_cuda_device_count(void) { return cuda().devices; }

const char *ct_cuda_reason(void) { return cuda().reason.c_str(); }

CTStatus ct_synchronize(int32_t device) {
    return guarded([&] {
        auto place = device_(device);
        if (place.is_cpu()) return;
        c10::impl::VirtualGuardImpl(place.type()).synchronizeDevice(place.index());
    });
}

}  // extern "C"
