// The table from C++ exceptions to statuses, and the text of the last failure.
#include <initializer_list>
#include <new>
#include <string>
#include <string_view>

#include "ctorch_internal.h"

namespace {

thread_local std::string lastError;

// The first line says what is wrong; the rest is a backtrace. TorchScript says it on its last line instead.
std::string_view essence(std::string_view text) {
    if (text.starts_with("The following operation failed in the TorchScript interpreter")) {
        while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
        auto start = text.rfind('\n');
        if (start != std::string_view::npos) text.remove_prefix(start + 1);
        if (text.starts_with("RuntimeError: ")) text.remove_prefix(14);
        return text;
    }
    return text.substr(0, text.find('\n'));
}

// Most of libtorch's checks throw a plain c10::Error, so only its words tell a shape from a dtype. The first row
// that matches decides.
struct Words {
    CTStatus status;
    std::initializer_list<std::string_view> any;
};

CTStatus classify(std::string_view text) {
    static const Words table[] = {
        {CT_INTERNAL, {"INTERNAL ASSERT", "please report a bug"}},
        {CT_OUT_OF_MEMORY, {"can't allocate memory", "not enough memory", "out of memory", "possibly overflow"}},
        {CT_DEVICE, {"same device", "CUDA", "cuda", "cuDNN", "CUBLAS"}},
        {CT_TYPE, {"dtype", "scalar type", "ScalarType", "result type", "same type", "data type"}},
        {CT_INDEX, {"out of range", "out of bounds", "index "}},
        {CT_SHAPE, {"size", "shape", "dimension", "Dimension", "dims", "D or", "channels", "elements", "stride",
                    "batch"}},
    };
    for (const auto &row : table) {
        for (auto words : row.any) {
            if (text.find(words) != std::string_view::npos) return row.status;
        }
    }
    return CT_INTERNAL;
}

CTStatus record(CTStatus status, std::string_view text) {
    auto line = essence(text);
    try {
        lastError.assign(line.data(), line.size());
    } catch (...) {
        lastError.clear();
    }
    return status;
}

}  // namespace

namespace ct {

CTStatus failed() noexcept {
    try {
        throw;
    } catch (const c10::OutOfMemoryError &e) {
        return record(CT_OUT_OF_MEMORY, e.what_without_backtrace());
    } catch (const c10::IndexError &e) {
        return record(CT_INDEX, e.what_without_backtrace());
    } catch (const c10::ValueError &e) {
        return record(CT_SHAPE, e.what_without_backtrace());
    } catch (const c10::TypeError &e) {
        return record(CT_TYPE, e.what_without_backtrace());
    } catch (const c10::NotImplementedError &e) {
        return record(CT_NOT_IMPLEMENTED, e.what_without_backtrace());
    } catch (const c10::LinAlgError &e) {
        return record(CT_INTERNAL, e.what_without_backtrace());
    } catch (const c10::AcceleratorError &e) {
        return record(CT_DEVICE, e.what_without_backtrace());
    } catch (const c10::DistError &e) {
        return record(CT_PEER, e.what_without_backtrace());
    } catch (const c10::Error &e) {
        auto line = essence(e.what_without_backtrace());
        return record(classify(line), line);
    } catch (const std::bad_alloc &) {
        return record(CT_OUT_OF_MEMORY, "not enough memory");
    } catch (const std::exception &e) {
        auto line = essence(e.what());
        return record(classify(line), line);
    } catch (...) {
        return record(CT_INTERNAL, "an unknown C++ exception");
    }
}

}  // namespace ct

extern "C" const char *ct_last_error(void) { return lastError.c_str(); }
