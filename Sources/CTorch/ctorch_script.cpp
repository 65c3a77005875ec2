// TorchScript modules: load and run.
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include "ctorch_internal.h"

using namespace ct;

struct CTScript_ : ct::Handle<ct::scriptMark> {
    explicit CTScript_(torch::jit::Module module) : value(std::move(module)) {}
    torch::jit::Module value;
};

extern "C" {

CTStatus ct_script_load(const char *path, int32_t device, CTScript *out) {
    return guarded([&] {
        auto module = torch::jit::load(path, device_(device));
        module.eval();
        *out = new CTScript_(std::move(module));
    });
}

CTStatus ct_script_forward(CTScript script, const CTTensor *inputs, int64_t count, CTTensor *out) {
    return guarded([&] {
        std::vector<c10::IValue> arguments;
        for (auto &tensor : list_(inputs, count)) arguments.emplace_back(tensor);
        auto result = checked(script, "script")->value.forward(std::move(arguments));
        TORCH_CHECK_TYPE(result.isTensor(), "the script returned ", result.tagKind(), ", not one tensor");
        *out = made(result.toTensor());
    });
}

void ct_script_free(CTScript script) { delete script; }

}  // extern "C"
