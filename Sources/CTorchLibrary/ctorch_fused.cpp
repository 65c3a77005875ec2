// Operations of transformers, through kernels of our own where they pay: bf16 on the CPU, inside autocast.
//
// Everywhere else (fp32, CUDA, another processor, while tracing) the same functions are libtorch's operations, and
// autograd is libtorch's.
#include "ctorch_fused.h"

using namespace ct;

namespace {

// MARK: - Attention

CKAttention attentionShape(const at::Tensor &qkv, int64_t heads, int64_t queries) {
    const int64_t size = qkv.size(2) / 3 / heads;
    return {qkv.size(0), qkv.size(1), heads, size, queries, float(1 / std::sqrt(double(size))), threads()};
}

struct Attention : torch::autograd::Function<Attention> {
    static at::Tensor forward(AutogradContext *context, const at::Tensor &packed, int64_t heads,
                              int64_t queries) {
        auto guard = withoutAutocast();
        auto qkv = bf16(packed);
        auto shape = attentionShape(qkv, heads, queries);
        auto out = at::empty({shape.batch, queries, heads * shape.size}, qkv.options());
        auto logs = at::empty({shape.batch, heads, queries}, qkv.options().dtype(at::kFloat));
        ck_attention(&shape, bits(qkv), bits(out), floats(logs));
        context->save_for_backward({qkv, out, logs});
        context->saved_data["heads"] = heads;
        context->saved_data["queries"] = queries;
        return out;
    }

    static variable_list backward(AutogradContext *context, variable_list gradients) {
        auto saved = context->get_saved_variables();
        auto shape = attentionShape(saved[0], context->saved_data["heads"].toInt(),
                                    context->saved_data["queries"].toInt());
        auto result = at::empty_like(saved[0]);
        auto g = bf16(gradients[0]);
        ck_attention_backward(&shape, bits(saved[0]), bits(saved[1]), floats(saved[2]), bits(g), bits(result));
        return {result, at::Tensor(), at::Tensor()};
    }
};

at::Tensor selfAttention(const at::Tensor &qkv, int64_t heads, int64_t queries) {
    TORCH_CHECK(qkv.dim() == 3 && qkv.size(2) % (3 * heads) == 0, "queries, keys and values of ", heads,
                " heads do not fit into a tensor of shape ", qkv.sizes());
    TORCH_CHECK(0 < queries && queries <= qkv.size(1), queries, " queries of ", qkv.size(1), " tokens");
    const int64_t batch = qkv.size(0), tokens = qkv.size(1), size = qkv.size(2) / 3 / heads;
    const bool reduced = inReducedPrecision(qkv) && qkv.numel() > 0;
    if (reduced && hasKernels() && !ck_has_tiles() && size % 2 == 0) {
        return Attention::apply(qkv, heads, queries);
    }
    auto mixed = qkv.reshape({batch, tokens, 3, heads, size}).permute({2, 0, 3, 1, 4});
    auto all = mixed.select(0, 0), k = mixed.select(0, 1), v = mixed.select(0, 2);
    auto q = queries == tokens ? all : all.slice(2, 0, queries);
    at::Tensor out;
    if (reduced && at::GradMode::is_enabled()) {
        // libtorch's own fused backward pass makes no use of matrix tiles; plain products do.
        out = at::matmul(at::softmax(at::matmul(q * (1 / std::sqrt(double(size))), k.transpose(-2, -1)), -1), v);
    } else {
        out = at::scaled_dot_product_attention(q, k, v);
    }
    return out.transpose(1, 2).reshape({batch, queries, heads * size});
}

// MARK: - Residual streams

CKJoin joinShape(const at::Tensor &sum, const at::Tensor &factors, double epsilon) {
    const int64_t width = sum.size(-1), rows = sum.numel() / width;
    return {rows, width, factors.defined() ? rows / factors.numel() : rows, float(epsilon), threads()};
}

struct Join : torch::autograd::Function<Join> {
    static variable_list forward(AutogradContext *context, const at::Tensor &given, const Maybe &branched,
                                 const Maybe &scaled, const Maybe &factored, const at::Tensor &weight,
                                 const at::Tensor &bias, double epsilon) {
        auto guard = withoutAutocast();
        context->set_materialize_grads(false);
        auto scale = orNone(scaled), factors = orNone(factored);
        auto stream = given.contiguous();
        auto branch = branched ? bf16(*branched) : at::Tensor();
        auto sum = branch.defined() ? at::empty_like(stream) : stream;
        auto normed = at::empty(stream.sizes(), stream.options().dtype(at::kBFloat16));
        auto shape = joinShape(stream, factors, epsilon);
        auto mean = at::empty({shape.rows}, stream.options()), inverse = at::empty_like(mean);
        ck_join(&shape, floats(stream), branch.defined() ? bits(branch) : nullptr, floats(scale), floats(factors),
                floats(weight), floats(bias), floats(sum), bits(normed), floats(mean), floats(inverse));
        // The branch is needed again only for the gradient of its scale.
        context->save_for_backward(
            {sum, scale.defined() ? branch : at::Tensor(), scale, factors, weight, mean, inverse});
        context->saved_data["branched"] = branch.defined();
        context->saved_data["epsilon"] = epsilon;
        return branch.defined() ? variable_list{sum, normed} : variable_list{normed};
    }

    static variable_list backward(AutogradContext *context, variable_list gradients) {
        auto saved = context->get_saved_variables();
        const auto &sum = saved[0], &branch = saved[1], &scale = saved[2], &factors = saved[3], &weight = saved[4];
        const bool branched = context->saved_data["branched"].toBool();
        auto shape = joinShape(sum, factors, context->saved_data["epsilon"].toDouble());
        auto &ofNormed = gradients.back();
        auto g = ofNormed.defined() ? bf16(ofNormed) : at::zeros(sum.sizes(), sum.options().dtype(at::kBFloat16));
        auto ofSum = branched && gradients.front().defined() ? gradients.front().contiguous() : at::Tensor();
        auto ofStream = at::empty_like(sum);
        auto ofBranch = branched ? at::empty_like(g) : at::Tensor();
        auto ofWeight = at::empty_like(weight), ofBias = at::empty_like(weight);
        auto ofScale = scale.defined() ? at::empty_like(scale) : at::Tensor();
        // Without a scale the kernel looks only at whether there is a branch.
        const ck_bf16 *values = branched ? bits(branch.defined() ? branch : g) : nullptr;
        ck_join_backward(&shape, floats(sum), values, floats(scale), floats(factors), floats(weight),
                         floats(saved[5]), floats(saved[6]), floats(ofSum), bits(g), floats(ofStream),
                         branched ? bits(ofBranch) : nullptr, floats(ofWeight), floats(ofBias), floats(ofScale));
        return {ofStream, ofBranch, ofScale, at::Tensor(), ofWeight, ofBias, at::Tensor()};
    }
};

bool plain(const at::Tensor &a) { return !a.defined() || (a.scalar_type() == at::kFloat && a.is_contiguous()); }

// MARK: - Activations

using Kernel = void (*)(int64_t, const ck_bf16 *, ck_bf16 *, int32_t);
using Slope = void (*)(int64_t, const ck_bf16 *, const ck_bf16 *, ck_bf16 *, int32_t);

template <Kernel kernel, Slope slope> struct Activation : torch::autograd::Function<Activation<kernel, slope>> {
    static at::Tensor forward(AutogradContext *context, const at::Tensor &given) {
        // Any order of the elements will do, as long as there are no gaps: images keep their channels innermost.
        auto x = given.is_non_overlapping_and_dense() ? given : given.contiguous();
        auto out = at::empty_like(x);
        kernel(x.numel(), bits(x), bits(out), threads());
        context->save_for_backward({x});
        return out;
    }

    static variable_list backward(AutogradContext *context, variable_list gradients) {
        auto x = context->get_saved_variables()[0];
        auto g = gradients[0], out = at::empty_like(x);
        if (g.scalar_type() != at::kBFloat16 || g.strides() != x.strides()) g = at::empty_like(x).copy_(g);
        slope(x.numel(), bits(x), bits(g), bits(out), threads());
        return {out};
    }
};

bool hasKernel(const at::Tensor &a) {
    return inReducedPrecision(a) && a.scalar_type() == at::kBFloat16 && hasKernels();
}

// MARK: - Classes

// `ck_classes` for logits whose classes lie side by side at every place: a few thousand places at a time are turned.
void classesInnermost(const CKClasses &shape, const float *logits, float *numbers, float *largest) {
    constexpr int64_t some = 4096;
    const int64_t pieces = (shape.area + some - 1) / some;
    at::parallel_for(0, shape.images * pieces, 1, [&](int64_t start, int64_t end) {
        std::vector<float> turned(static_cast<size_t>(shape.classes * some));
        for (int64_t piece = start; piece < end; piece++) {
            const int64_t first = piece / pieces * shape.area + piece % pieces * some;
            const int64_t count = std::min(some, shape.area - piece % pieces * some);
            for (int64_t place = 0; place < count; place++)
                for (int64_t c = 0; c < shape.classes; c++)
                    turned[static_cast<size_t>(c * count + place)] = logits[(first + place) * shape.classes + c];
            const CKClasses part{1, shape.classes, count, 1};
            ck_classes(&part, turned.data(), numbers + first, largest + first);
        }
    });
    // What is not finite in a piece spoils the whole image.
    for (int64_t image = 0; image < shape.images; image++) {
        float *own = largest + image * shape.area;
        if (std::any_of(own, own + shape.area, [](float x) { return std::isnan(x); }))
            std::fill_n(own, shape.area, std::numeric_limits<float>::quiet_NaN());
    }
}

}  // namespace

extern "C" {

bool ct_use_own_kernels(bool wanted) { return std::exchange(ownKernels, wanted); }

CTStatus ct_linear(CTTensor a, CTTensor weight, CTTensor bias, CTTensor *out) {
    return guarded([&] {
        auto &x = a_(a);
        if (inReducedPrecision(x) && x.numel() > 0 && a_(weight).dim() == 2) {
            *out = made(Linear::apply(x, a_(weight), opt_(bias), reduced(weight)));
        } else {
            *out = made(at::linear(x, a_(weight), opt_(bias)));
        }
    });
}

CTStatus ct_self_attention(CTTensor qkv, int64_t heads, int64_t queries, CTTensor *out) {
    return guarded([&] { *out = made(selfAttention(a_(qkv), heads, queries)); });
}

CTStatus ct_gelu(CTTensor a, bool tanh, CTTensor *out) {
    return guarded([&] {
        auto &x = a_(a);
        *out = made(!tanh && hasKernel(x) ? Activation<ck_gelu, ck_gelu_backward>::apply(x)
                                          : at::gelu(x, tanh ? "tanh" : "none"));
    });
}

CTStatus ct_quick_gelu(CTTensor a, CTTensor *out) {
    return guarded([&] {
        auto &x = a_(a);
        *out = made(hasKernel(x) ? Activation<ck_quick_gelu, ck_quick_gelu_backward>::apply(x)
                                 : x * at::sigmoid(x * 1.702));
    });
}

CTStatus ct_classes(CTTensor a, CTTensor *numbers, CTTensor *largest) {
    return guarded([&] {
        auto &x = a_(a);
        TORCH_CHECK(x.dim() == 4 && x.size(1) > 0, "logits of pixels have four dimensions, [B, C, H, W]");
        if (hasKernels() && x.device().is_cpu() && x.scalar_type() == at::kFloat) {
            auto found = at::empty({x.size(0), x.size(2), x.size(3)}, x.options());
            auto probability = at::empty_like(found);
            const bool innermost = x.is_contiguous(at::MemoryFormat::ChannelsLast) && !x.is_contiguous();
            auto logits = innermost ? x : x.contiguous();
            CKClasses shape{x.size(0), x.size(1), x.size(2) * x.size(3), threads()};
            if (innermost) {
                classesInnermost(shape, logits.data_ptr<float>(), found.data_ptr<float>(), probability.data_ptr<float>());
            } else {
                ck_classes(&shape, logits.data_ptr<float>(), found.data_ptr<float>(), probability.data_ptr<float>());
            }
            *numbers = made(found);
            *largest = made(probability);
        } else {
            auto [probability, found] = at::max(at::softmax(x.to(at::kFloat), 1), 1);
            auto isFinite = at::isfinite(x).flatten(1).all(1).reshape({-1, 1, 1});
            *numbers = made(found.to(at::kFloat));
            *largest = made(probability.masked_fill(~isFinite, std::numeric_limits<float>::quiet_NaN()));
        }
    });
}

CTStatus ct_join(CTTensor stream, CTTensor branch, CTTensor scale, CTTensor factors, CTTensor weight, CTTensor bias,
                 double eps, CTTensor *sum, CTTensor *normed) {
    return guarded([&] {
        auto &x = a_(stream);
        auto given = opt_(branch), scales = opt_(scale), shares = opt_(factors);
        auto y = orNone(given), s = orNone(scales), f = orNone(shares);
        auto &w = a_(weight), &b = a_(bias);
        variable_list results;
        if (inReducedPrecision(x) && x.scalar_type() == at::kFloat && x.numel() > 0 && hasKernels() && plain(s) &&
            plain(f) && plain(w) && plain(b) && (!y.defined() || y.sizes() == x.sizes())) {
            results = Join::apply(x, given, scales, shares, w, b, eps);
            if (!y.defined()) results = {x, results[0]};
        } else {
            auto total = x;
            if (y.defined()) {
                if (s.defined()) y = y * s;
                if (f.defined()) {
                    std::vector<int64_t> shape(size_t(x.dim()), 1);
                    shape[0] = f.numel();
                    y = y * f.view(shape);
                }
                total = x + y;
            }
            results = {total, at::layer_norm(total, {w.size(0)}, w, b, eps)};
        }
        auto owned = std::make_unique<CTTensor_>(results[0]);
        *normed = made(results[1]);
        *sum = owned.release();
    });
}

}  // extern "C"
