// The single catch site between FAISS and C.
#pragma once

#include "cfaiss.h"

#include <faiss/impl/FaissException.h>

#include <exception>
#include <new>
#include <string>

namespace cfaiss {

// A mistake found before FAISS was called.
struct InvalidArgument {
    std::string message;
};

void remember(const char *message) noexcept;

template <typename Body>
CFaissStatus guarded(Body body) noexcept {
    try {
        body();
        return CF_OK;
    } catch (const InvalidArgument &e) {
        remember(e.message.c_str());
        return CF_INVALID_ARGUMENT;
    } catch (const faiss::FaissException &e) {
        remember(e.what());
        return CF_FAISS_ERROR;
    } catch (const std::bad_alloc &) {
        remember("out of memory");
        return CF_OUT_OF_MEMORY;
    } catch (const std::exception &e) {
        remember(e.what());
        return CF_UNKNOWN_ERROR;
    } catch (...) {
        remember("unknown C++ exception");
        return CF_UNKNOWN_ERROR;
    }
}

inline void require(bool condition, const char *message) {
    if (!condition) throw InvalidArgument{message};
}

} // namespace cfaiss
