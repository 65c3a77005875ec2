// What the shim's files share: handles, the guarded boundary, and how arguments become libtorch's types.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <atomic>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "ctorch.h"

static_assert(int(at::ScalarType::Byte) == 0 && int(at::ScalarType::Int) == 3 && int(at::ScalarType::Long) == 4 &&
                  int(at::ScalarType::Half) == 5 && int(at::ScalarType::Float) == 6 &&
                  int(at::ScalarType::Double) == 7 && int(at::ScalarType::Bool) == 11 &&
                  int(at::ScalarType::BFloat16) == 15,
              "Swift's DType holds these numbers as raw values");

namespace ct {

inline std::atomic<int64_t> liveHandles{0};

// Counts what is alive and, in debug builds, marks it: a handle used after its owner freed it then reports
// itself instead of reading whatever now lies at its address.
template <uint32_t Mark> struct Handle {
    Handle() { liveHandles.fetch_add(1, std::memory_order_relaxed); }
    ~Handle() {
        liveHandles.fetch_sub(1, std::memory_order_relaxed);
        const_cast<volatile uint32_t &>(mark) = 0xDEADDEAD;
    }
    Handle(const Handle &) = delete;
    Handle &operator=(const Handle &) = delete;
    uint32_t mark = Mark;
    bool isAlive() const { return const_cast<const volatile uint32_t &>(mark) == Mark; }
};

inline constexpr uint32_t tensorMark = 0x7E4502AA, generatorMark = 0x6E4502BB, scriptMark = 0x5C4502CC,
                          traceMark = 0x7ACE02DD, meetingMark = 0x3EE702EE, groupMark = 0x6A0B02FF;

// Runs `body` and turns whatever it throws into a status and this thread's last error: the only place where
// C++ exceptions are caught. The table of exception types is in ctorch_error.cpp.
CTStatus failed() noexcept;
template <typename Body> CTStatus guarded(Body &&body) noexcept {
    try {
        body();
        return CT_OK;
    } catch (...) {
        return failed();
    }
}

template <typename T> T checked(T handle, const char *kind) {
#ifdef DEBUG
    if (handle == nullptr || !handle->isAlive()) {
        throw std::logic_error(std::string("a freed or missing ") + kind + " was used; this is a bug in Retort");
    }
#endif
    return handle;
}

}  // namespace ct

struct CTTensor_ : ct::Handle<ct::tensorMark> {
    explicit CTTensor_(at::Tensor tensor) : value(std::move(tensor)) {}
    at::Tensor value;
    // A weight's copy in bf16, and the version of the weight that it is a copy of.
    at::Tensor reduced;
    int64_t reducedVersion = -1;
};

namespace ct {

inline at::Tensor &a_(CTTensor tensor) { return checked(tensor, "tensor")->value; }

// For the questions that cannot fail and so have no status: a dead handle ends a debug build on the spot.
inline const at::Tensor &live_(CTTensor tensor) {
#ifdef DEBUG
    if (tensor == nullptr || !tensor->isAlive()) __builtin_trap();
#endif
    return tensor->value;
}

inline std::optional<at::Tensor> opt_(CTTensor tensor) {
    return tensor ? std::optional<at::Tensor>(a_(tensor)) : std::nullopt;
}

inline std::vector<at::Tensor> list_(const CTTensor *tensors, int64_t count) {
    std::vector<at::Tensor> result;
    result.reserve(size_t(count));
    for (int64_t i = 0; i < count; i++) result.push_back(a_(tensors[i]));
    return result;
}

inline at::IntArrayRef ints_(const int64_t *values, int64_t count) {
    return at::IntArrayRef(values, size_t(count));
}

inline at::Scalar s_(CTScalar scalar) {
    return scalar.is_integer ? at::Scalar(scalar.integer) : at::Scalar(scalar.real);
}

inline at::ScalarType dtype_(int32_t dtype) { return at::ScalarType(dtype); }

inline at::Device device_(int32_t device) {
    if (device < 0) return at::Device(at::kCPU);
    if (ct_cuda_device_count() <= device) {
        TORCH_CHECK_NOT_IMPLEMENTED(false, "there is no device cuda:", device, "; ", ct_cuda_reason());
    }
    return at::Device(at::kCUDA, at::DeviceIndex(device));
}

inline at::TensorOptions options_(int32_t dtype, int32_t device) {
    return at::TensorOptions().dtype(dtype_(dtype)).device(device_(device));
}

inline CTTensor made(at::Tensor tensor) { return new CTTensor_(std::move(tensor)); }

}  // namespace ct
