// TorchScript modules: load, run, and what they hold.
#include <ATen/Context.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <mutex>
#include <sstream>
#include <unordered_set>

#include "ctorch_internal.h"

using namespace ct;

// What a script returned in words, with its parts under the names by which they are selected.
static std::string described(const c10::IValue &result) {
    std::ostringstream text;
    bool isFirst = true;
    auto add = [&](const std::string &name, const c10::IValue &part) {
        text << (isFirst ? " of " : ", ") << name << ": ";
        isFirst = false;
        if (part.isTensor()) text << part.toTensor().sizes();
        else text << part.tagKind();
    };
    if (result.isGenericDict()) {
        text << "a dictionary";
        for (const auto &entry : result.toGenericDict()) {
            add(entry.key().isString() ? "'" + entry.key().toStringRef() + "'" : entry.key().tagKind(), entry.value());
        }
        return text.str();
    }
    size_t number = 0;
    if (result.isTuple()) {
        text << "a tuple";
        for (const auto &part : result.toTupleRef().elements()) add(std::to_string(number++), part);
    } else if (result.isList()) {
        text << "a list";
        for (const auto &part : result.toListRef()) add(std::to_string(number++), part);
    } else {
        text << result.tagKind();
    }
    return text.str();
}

struct CTScript_ : ct::Handle<ct::scriptMark> {
    struct Entry {
        torch::jit::Module owner;
        std::string attribute, name;
        at::Tensor tensor;
        bool isParameter;
    };

    CTScript_(torch::jit::Module module, at::Device device) : value(std::move(module)), device(device) {
        bool isSingle = true;
        for (const auto &parameter : value.parameters()) {
            isSingle = isSingle && (!parameter.is_floating_point() || parameter.scalar_type() == at::kFloat);
        }
        if (!isSingle) value.to(at::kFloat);
        setTraining(false);
        std::unordered_set<const c10::TensorImpl *> seen;
        for (const auto &part : value.named_modules()) {
            auto add = [&](const std::string &attribute, const at::Tensor &tensor, bool isParameter) {
                // Tied weights are one tensor with two names; one of them is enough.
                if (!tensor.defined() || !isKnown(tensor) || !seen.insert(tensor.unsafeGetTensorImpl()).second) return;
                auto name = part.name.empty() ? attribute : part.name + "." + attribute;
                entries.push_back({part.value, attribute, name, tensor, isParameter && tensor.is_floating_point()});
            };
            for (const auto &parameter : part.value.named_parameters(false)) add(parameter.name, parameter.value, true);
            for (const auto &buffer : part.value.named_buffers(false)) add(buffer.name, buffer.value, false);
        }
    }

    // `Module::train` insists on an attribute that frozen modules have lost.
    void setTraining(bool isTraining) {
        for (const auto &part : value.modules()) {
            auto slot = part._ivalue()->type()->findAttributeSlot("training");
            if (slot) part._ivalue()->setSlot(*slot, isTraining);
        }
    }

    // Code of older versions puts a new tensor in a buffer's place, as it counts batches; ours takes the value over.
    void keepBuffers() {
        for (auto &entry : entries) {
            if (entry.isParameter) continue;
            auto now = entry.owner.attr(entry.attribute).toTensor();
            if (now.is_same(entry.tensor)) continue;
            entry.tensor.copy_(now);
            entry.owner.setattr(entry.attribute, entry.tensor);
        }
    }

    // The result that was selected of several, by key or by number.
    c10::IValue selected(const c10::IValue &result) const {
        if (part.empty() || result.isTensor()) return result;
        if (result.isGenericDict()) {
            for (const auto &entry : result.toGenericDict()) {
                if (entry.key().isString() && entry.key().toStringRef() == part) return entry.value();
            }
            TORCH_CHECK_VALUE(false, "the script returned ", described(result), ", without '", part, "'");
            return result;
        }
        bool isNumber = part.find_first_not_of("0123456789") == std::string::npos && part.size() < 9;
        size_t index = isNumber ? std::stoul(part) : SIZE_MAX;
        if (result.isTuple() && index < result.toTupleRef().elements().size()) return result.toTupleRef().elements()[index];
        if (result.isList() && index < result.toListRef().size()) return result.toListRef()[index];
        TORCH_CHECK_VALUE(false, "the script returned ", described(result), ", without '", part, "'");
        return result;
    }

    torch::jit::Module value;
    at::Device device;
    std::string part;
    std::vector<Entry> entries;

private:
    // The types that Swift's DType has.
    static bool isKnown(const at::Tensor &tensor) {
        switch (tensor.scalar_type()) {
            case at::kByte: case at::kInt: case at::kLong: case at::kHalf: case at::kFloat: case at::kDouble:
            case at::kBool: case at::kBFloat16: return tensor.layout() == at::kStrided;
            default: return false;
        }
    }
};

extern "C" {

CTStatus ct_script_load(const char *path, int32_t device, CTScript *out) {
    return guarded([&] {
        auto place = device_(device);
        *out = new CTScript_(torch::jit::load(path, place), place);
    });
}

CTStatus ct_script_forward(CTScript script, const CTTensor *inputs, int64_t count, const uint64_t *optional_seed,
                           CTTensor *out) {
    return guarded([&] {
        auto &module = *checked(script, "script");
        std::vector<c10::IValue> arguments;
        for (auto &tensor : list_(inputs, count)) arguments.emplace_back(tensor);
        // Another thread must not seed the one global generator before this script has drawn from it.
        static std::mutex drawing;
        std::unique_lock<std::mutex> alone(drawing, std::defer_lock);
        if (optional_seed) {
            alone.lock();
            auto generator = at::globalContext().defaultGenerator(module.device);
            std::lock_guard<std::mutex> lock(generator.mutex());
            generator.set_current_seed(*optional_seed);
        }
        // The optimizing executor takes other kernels from its third run on, and a resumed training would differ.
        torch::jit::GraphOptimizerEnabledGuard plain(false);
        auto result = module.selected(module.value.forward(std::move(arguments)));
        {
            c10::NoGradGuard guard;
            module.keepBuffers();
        }
        TORCH_CHECK_TYPE(result.isTensor(), "the script returned ", described(result), ", not one tensor");
        *out = made(result.toTensor());
    });
}

CTStatus ct_script_select(CTScript script, const char *part) {
    return guarded([&] { checked(script, "script")->part = part; });
}

CTStatus ct_script_set_training(CTScript script, bool is_training) {
    return guarded([&] { checked(script, "script")->setTraining(is_training); });
}

int64_t ct_script_tensor_count(CTScript script) { return int64_t(script->entries.size()); }

const char *ct_script_tensor_name(CTScript script, int64_t index) {
    return script->entries[size_t(index)].name.c_str();
}

bool ct_script_tensor_is_parameter(CTScript script, int64_t index) {
    return script->entries[size_t(index)].isParameter;
}

CTStatus ct_script_tensor(CTScript script, int64_t index, CTTensor *out) {
    return guarded([&] { *out = made(checked(script, "script")->entries.at(size_t(index)).tensor); });
}

void ct_script_free(CTScript script) { delete script; }

}  // extern "C"
