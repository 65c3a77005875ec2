// Records the operations of a function, with libtorch's tracer, and hands them out as plain data.
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>

#include <deque>
#include <unordered_map>

#include "ctorch_internal.h"

using namespace ct;
namespace jit = torch::jit;

// Everything is copied out of libtorch's graph once, so that readers need no more than pointers and counts.
struct CTTrace_ : ct::Handle<ct::traceMark> {
    struct Value {
        int32_t dtype = -1;
        bool hasShape = true;
        std::vector<int64_t> sizes;
        at::Tensor constant;
    };
    struct Argument {
        std::string name, text;
        CTArgumentKind kind = CT_ARGUMENT_NONE;
        std::vector<int64_t> integers;
        std::vector<double> reals;
    };
    struct Node {
        std::string operation;
        std::vector<CTArgument> arguments;
        std::vector<int64_t> outputs;
    };

    CTTrace_(const jit::Graph &graph, size_t output_count) {
        for (auto *input : graph.inputs()) number(input);
        for (const auto *node : graph.nodes()) add(*node);
        for (auto *output : graph.outputs()) outputs.push_back(number(output));
        TORCH_CHECK(outputs.size() == output_count, "the trace has ", outputs.size(), " outputs");
    }

    std::vector<Value> values;
    std::vector<Node> nodes;
    std::vector<int64_t> outputs;

private:
    std::unordered_map<const jit::Value *, int64_t> numbers;
    std::deque<Argument> storage;  // a deque, because elements are pointed at while it grows

    int64_t number(const jit::Value *value) {
        auto [entry, isNew] = numbers.try_emplace(value, int64_t(values.size()));
        if (!isNew) return entry->second;
        Value facts;
        if (auto type = value->type()->cast<c10::TensorType>()) {
            auto sizes = type->sizes().concrete_sizes();
            facts.hasShape = sizes.has_value();
            if (sizes) facts.sizes = *sizes;
            if (auto dtype = type->scalarType()) facts.dtype = int32_t(*dtype);
        }
        auto constant = jit::toIValue(value);
        if (constant && constant->isTensor() && constant->toTensor().defined()) {
            facts.constant = constant->toTensor();
            facts.dtype = int32_t(facts.constant.scalar_type());
            facts.sizes = facts.constant.sizes().vec();
        }
        values.push_back(std::move(facts));
        return entry->second;
    }

    void add(const jit::Node &node) {
        auto kind = node.kind();
        if (kind == c10::prim::Constant || kind == c10::prim::ListConstruct || kind == c10::prim::ListUnpack) return;
        Node result;
        result.operation = kind.toQualString();
        auto *schema = node.maybeSchema();
        for (size_t i = 0; i < node.inputs().size(); i++) {
            auto &argument = storage.emplace_back(read(node.inputs()[i]));
            if (schema && i < schema->arguments().size()) argument.name = schema->arguments()[i].name();
            result.arguments.push_back({argument.name.c_str(), argument.kind, argument.text.c_str(),
                                        argument.integers.data(), int64_t(argument.integers.size()),
                                        argument.reals.data(), int64_t(argument.reals.size())});
        }
        at::ArrayRef<const jit::Value *> outputs = node.outputs();
        // A list of tensors is taken apart at once; its parts are the results then.
        if (outputs.size() == 1 && outputs[0]->type()->kind() == c10::TypeKind::ListType) {
            for (auto &use : outputs[0]->uses()) {
                if (use.user->kind() != c10::prim::ListUnpack) continue;
                for (auto *part : use.user->outputs()) result.outputs.push_back(number(part));
            }
        } else {
            for (auto *output : outputs) result.outputs.push_back(number(output));
        }
        // What an interpreter runs, such as a script's code, is recorded without shapes.
        for (auto output : result.outputs) {
            TORCH_CHECK(values[size_t(output)].hasShape, "the result of ", result.operation,
                        " was recorded without its shape");
        }
        nodes.push_back(std::move(result));
    }

    Argument read(const jit::Value *value) {
        Argument argument;
        auto *source = value->node();
        if (source->kind() == c10::prim::ListConstruct) return list(*source);
        auto constant = jit::toIValue(value);
        if (!constant || (constant->isTensor() && constant->toTensor().defined())) {
            argument.kind = CT_ARGUMENT_VALUE;
            argument.integers = {number(value)};
        } else if (constant->isNone() || constant->isTensor()) {
            argument.kind = CT_ARGUMENT_NONE;
        } else if (constant->isBool()) {
            argument.kind = CT_ARGUMENT_BOOL;
            argument.integers = {constant->toBool()};
        } else if (constant->isInt()) {
            argument.kind = CT_ARGUMENT_INTEGER;
            argument.integers = {constant->toInt()};
        } else if (constant->isDouble()) {
            argument.kind = CT_ARGUMENT_REAL;
            argument.reals = {constant->toDouble()};
        } else if (constant->isString()) {
            argument.kind = CT_ARGUMENT_TEXT;
            argument.text = constant->toStringRef();
        } else if (constant->isIntList()) {
            argument.kind = CT_ARGUMENT_INTEGERS;
            argument.integers = constant->toIntVector();
        } else if (constant->isDoubleList()) {
            argument.kind = CT_ARGUMENT_REALS;
            argument.reals = constant->toDoubleVector();
        } else {
            argument.kind = CT_ARGUMENT_OTHER;
            argument.text = constant->tagKind();
        }
        return argument;
    }

    Argument list(const jit::Node &source) {
        Argument list;
        list.kind = CT_ARGUMENT_INTEGERS;
        for (auto *element : source.inputs()) {
            auto part = read(element);
            switch (part.kind) {
                case CT_ARGUMENT_INTEGER: list.integers.push_back(part.integers[0]); break;
                case CT_ARGUMENT_REAL:
                    list.kind = CT_ARGUMENT_REALS;
                    list.reals.push_back(part.reals[0]);
                    break;
                case CT_ARGUMENT_VALUE:
                    list.kind = element->type()->cast<c10::TensorType>() ? CT_ARGUMENT_VALUES : CT_ARGUMENT_OTHER;
                    list.integers.push_back(part.integers[0]);
                    break;
                default:
                    list.kind = CT_ARGUMENT_OTHER;
                    list.text = "list";
                    return list;
            }
        }
        return list;
    }
};

extern "C" {

CTStatus ct_trace(const CTTensor *inputs, int64_t count, CTTraceBody body, void *context, int64_t output_count,
                  CTTrace *out) {
    return guarded([&] {
        jit::Stack arguments;
        for (auto &tensor : list_(inputs, count)) arguments.emplace_back(tensor);
        auto run = [&](jit::Stack) {
            std::vector<CTTensor> outputs(size_t(output_count), nullptr);
            if (body(context, outputs.data()) != CT_OK) throw std::runtime_error("the traced function failed");
            jit::Stack results;
            for (auto output : outputs) results.emplace_back(a_(output));
            return results;
        };
        auto traced = jit::tracer::trace(std::move(arguments), run, [](const at::Tensor &) { return std::string(); });
        *out = new CTTrace_(*traced.first->graph, size_t(output_count));
    });
}

void ct_trace_free(CTTrace trace) { delete trace; }

int64_t ct_trace_node_count(CTTrace trace) { return int64_t(trace->nodes.size()); }

int64_t ct_trace_value_count(CTTrace trace) { return int64_t(trace->values.size()); }

const int64_t *ct_trace_outputs(CTTrace trace) { return trace->outputs.data(); }

CTTraceNode ct_trace_node(CTTrace trace, int64_t index) {
    auto &node = trace->nodes[size_t(index)];
    return {node.operation.c_str(), node.arguments.data(), int64_t(node.arguments.size()), node.outputs.data(),
            int64_t(node.outputs.size())};
}

CTTraceValue ct_trace_value(CTTrace trace, int64_t index) {
    auto &value = trace->values[size_t(index)];
    return {value.dtype, value.sizes.data(), int64_t(value.sizes.size()), value.constant.defined()};
}

CTStatus ct_trace_constant(CTTrace trace, int64_t value, CTTensor *out) {
    return guarded([&] { *out = made(trace->values.at(size_t(value)).constant); });
}

}  // extern "C"
