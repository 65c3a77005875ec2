// A C interface to libtorch: just what Retort uses, nothing that can throw.
//
// Conventions
//   - Functions that can fail return a status; on failure nothing is written to `out`, and `ct_last_error`
//     of the same thread says why until its next failure.
//   - A CTTensor written to `out` belongs to the caller, who frees it with `ct_free`. Arguments are borrowed.
//   - A tensor argument called `weight`, `bias`, `mask` or marked `optional` may be NULL.
//   - Shapes and index lists are borrowed pointers with a count. Dimensions may be negative, as in PyTorch.
//   - dtypes are c10::ScalarType numbers; a device is -1 for the CPU, or the number of a CUDA device.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct CTTensor_ *CTTensor;
typedef struct CTGenerator_ *CTGenerator;
typedef struct CTScript_ *CTScript;
typedef struct CTTrace_ *CTTrace;
typedef struct CTMeeting_ *CTMeeting;
typedef struct CTGroup_ *CTGroup;

typedef enum CTStatus : int32_t {
    CT_OK = 0,
    CT_SHAPE = 1,            // sizes, strides or ranks that do not fit together
    CT_INDEX = 2,            // a dimension or index out of range
    CT_TYPE = 3,             // a dtype that the operation does not take
    CT_OUT_OF_MEMORY = 4,    // the CPU or the device ran out of memory
    CT_NOT_IMPLEMENTED = 5,  // no kernel for this dtype, layout or device
    CT_DEVICE = 6,           // CUDA failed, or tensors are on different devices
    CT_INTERNAL = 7,         // everything else
    CT_PEER = 8              // another process cannot be reached
} CTStatus;

// A number that keeps its kind: adding the integer 1 to an integer tensor leaves it an integer tensor.
typedef struct CTScalar {
    double real;
    int64_t integer;
    bool is_integer;
} CTScalar;

// Told without libtorch, which is loaded when any of the other functions is first called; without it, that call ends
// the process with exit code 69.
//
// The version of libtorch that this was compiled for, and why there is none that could be used: NULL where there is.
const char *ct_compiled_version(void);
const char *ct_library_problem(void);
// Whether this processor can run our kernels; with matrix tiles (AMX) plain products are the faster attention.
bool ct_has_own_kernels(void);
bool ct_has_own_attention(void);

// The first line of the last failure on this thread; valid until this thread's next failure.
const char *ct_last_error(void);

// Handles
void ct_free(CTTensor tensor);
// How many tensors, generators and scripts are alive in this process: leak tests compare it.
int64_t ct_live_handles(void);

// Operations with one result; see ops.def
#define CT_OP(name, signature, ...) CTStatus ct_##name signature;
#include "ops.def"
#undef CT_OP

// Whether this thread is to use our kernels where it can; returns what was set before.
bool ct_use_own_kernels(bool wanted);

// Operations of transformers. Inside autocast to bf16 on the CPU they run on kernels of our own where the processor
// has the instructions (see CKernels); sums and statistics are then fp32.
CTStatus ct_linear(CTTensor a, CTTensor weight, CTTensor optional_bias, CTTensor *out);
CTStatus ct_gelu(CTTensor a, bool tanh, CTTensor *out);
CTStatus ct_quick_gelu(CTTensor a, CTTensor *out);  // a · sigmoid(1.702 a)
// Multi-head attention of queries, keys and values that stand side by side, [B, N, 3 · H · D], for the first
// `queries` tokens: [B, queries, H · D].
CTStatus ct_self_attention(CTTensor qkv, int64_t heads, int64_t queries, CTTensor *out);
// sum = stream + factors · scale · branch, and its layer norm. `factors` holds a number for each image.
CTStatus ct_join(CTTensor stream, CTTensor optional_branch, CTTensor optional_scale, CTTensor optional_factors,
                 CTTensor weight, CTTensor bias, double eps, CTTensor *sum, CTTensor *normed);

// Operations of convolutional networks; with channels innermost in memory on the CPU, in fp32 or bf16, parts of them
// run on kernels of our own, too.
CTStatus ct_conv2d(CTTensor a, CTTensor weight, CTTensor optional_bias, const int64_t *stride,
                   const int64_t *padding, const int64_t *dilation, int64_t groups, CTTensor *out);
typedef enum CTActivation : int32_t {
    CT_NO_ACTIVATION = 0,
    CT_RELU = 1,
    CT_RELU6 = 2,
    CT_HARDSWISH = 3,
    CT_SILU = 4
} CTActivation;
CTStatus ct_batch_norm(CTTensor a, CTTensor optional_weight, CTTensor optional_bias, CTTensor optional_running_mean,
                       CTTensor optional_running_var, bool training, double momentum, double eps,
                       CTActivation activation, CTTensor *out);

// Operations with several results
CTStatus ct_topk(CTTensor a, int64_t k, int64_t dim, bool largest, CTTensor *values, CTTensor *indices);
CTStatus ct_sort(CTTensor a, int64_t dim, bool descending, CTTensor *values, CTTensor *indices);
// Of logits [B, C, H, W] the number of the most probable class and its probability, [B, H, W] in fp32; the probabilities
// of an image with a logit that is not finite are NaN.
CTStatus ct_classes(CTTensor a, CTTensor *numbers, CTTensor *largest);
CTStatus ct_max_dim(CTTensor a, int64_t dim, bool keepdim, CTTensor *values, CTTensor *indices);
CTStatus ct_min_dim(CTTensor a, int64_t dim, bool keepdim, CTTensor *values, CTTensor *indices);

// In-place operations. Autograd never records them.
CTStatus ct_copy_(CTTensor a, CTTensor source);
CTStatus ct_add_scaled_(CTTensor a, CTTensor other, double scale);
CTStatus ct_mul_(CTTensor a, CTTensor other);
CTStatus ct_mul_scalar_(CTTensor a, CTScalar scalar);
CTStatus ct_add_scalar_(CTTensor a, CTScalar scalar);
CTStatus ct_lerp_(CTTensor a, CTTensor target, double weight);
CTStatus ct_fill_(CTTensor a, CTScalar value);

// What a tensor is
int64_t ct_rank(CTTensor tensor);
void ct_sizes(CTTensor tensor, int64_t *sizes);  // writes ct_rank numbers
int32_t ct_dtype(CTTensor tensor);
int32_t ct_device(CTTensor tensor);
bool ct_is_contiguous(CTTensor tensor);
bool ct_is_channels_last(CTTensor tensor);
bool ct_requires_grad(CTTensor tensor);

// Host memory. Copies in and out are exact; reading converts to `dtype` first.
CTStatus ct_from_host(const void *bytes, size_t byte_count, const int64_t *shape, int64_t rank, int32_t dtype,
                      CTTensor *out);
CTStatus ct_to_host(CTTensor a, int32_t dtype, void *bytes, size_t byte_count);
CTStatus ct_item(CTTensor a, double *out);
// The memory of a contiguous CPU tensor, valid while the tensor lives.
CTStatus ct_data(CTTensor a, void **bytes, size_t *byte_count);

// Autograd. Grad mode and autocast belong to the calling thread; the setters return what was set before.
CTStatus ct_set_requires_grad(CTTensor a, bool requires_grad);
CTStatus ct_backward(CTTensor a, CTTensor optional_gradient, bool retain_graph);
CTStatus ct_grad(CTTensor a, CTTensor *out);  // writes NULL where there is no gradient yet
CTStatus ct_zero_grad(const CTTensor *tensors, int64_t count);
bool ct_set_grad_mode(bool enabled);
bool ct_grad_mode(void);
typedef struct CTAutocast {
    bool enabled;
    int32_t dtype;
} CTAutocast;
CTStatus ct_autocast_enter(int32_t device, CTAutocast wanted, CTAutocast *previous);
CTStatus ct_autocast_exit(int32_t device, CTAutocast previous);

// Optimisers, over lists of equal length. Parameters without a gradient are left alone.
CTStatus ct_adamw_step(const CTTensor *parameters, const CTTensor *means, const CTTensor *squares,
                       const CTTensor *steps, int64_t count, double lr, double beta1, double beta2, double eps,
                       double weight_decay);
CTStatus ct_sgd_step(const CTTensor *parameters, const CTTensor *momenta, int64_t count, double lr,
                     double momentum, double weight_decay, bool nesterov);
// Scales gradients so that their joint norm is at most max_norm, which may be infinite; gives the norm before
// scaling, on the gradients' device, so that nothing waits for it.
CTStatus ct_clip_grad_norm(const CTTensor *parameters, int64_t count, double max_norm, CTTensor *norm);
// shadow += weight * (parameter - shadow); integer tensors are copied.
CTStatus ct_foreach_lerp(const CTTensor *shadows, const CTTensor *parameters, int64_t count, double weight);

// Random numbers from explicit generators; libtorch's global generator is never read.
CTStatus ct_generator_new(uint64_t seed, int32_t device, CTGenerator *out);
void ct_generator_free(CTGenerator generator);
CTStatus ct_generator_state(CTGenerator generator, CTTensor *out);
CTStatus ct_generator_set_state(CTGenerator generator, CTTensor state);
CTStatus ct_uniform(CTGenerator g, const int64_t *shape, int64_t rank, double low, double high, int32_t dtype,
                    CTTensor *out);
CTStatus ct_normal(CTGenerator g, const int64_t *shape, int64_t rank, double mean, double deviation,
                   int32_t dtype, CTTensor *out);
CTStatus ct_trunc_normal(CTGenerator g, const int64_t *shape, int64_t rank, double mean, double deviation,
                         double low, double high, int32_t dtype, CTTensor *out);
CTStatus ct_bernoulli(CTGenerator g, const int64_t *shape, int64_t rank, double probability, int32_t dtype,
                      CTTensor *out);
CTStatus ct_randint(CTGenerator g, const int64_t *shape, int64_t rank, int64_t low, int64_t high, CTTensor *out);
CTStatus ct_randperm(CTGenerator g, int64_t count, CTTensor *out);
// Zeroes each element with probability p and divides the rest by 1 - p.
CTStatus ct_dropout(CTTensor a, double p, CTGenerator g, CTTensor *out);

// Crops, resizes with antialiased bilinear or bicubic filtering, and flips one RGB image, HWC bytes to HWC bytes.
typedef struct CTResize {
    int64_t width, height;                              // of the source
    int64_t top, left, crop_height, crop_width;         // the part that is kept
    int64_t output_height, output_width;
    bool flip;                                          // mirror left and right, last
    bool cubic;                                         // bicubic in place of bilinear
} CTResize;
CTStatus ct_resize_rgb8(const uint8_t *source, CTResize plan, uint8_t *destination);

// TorchScript: runs code that the file brings along; load only files that the user named.
// Loaded for evaluation, its floating-point tensors in fp32.
CTStatus ct_script_load(const char *path, int32_t device, CTScript *out);
// With a seed, libtorch's global generator starts from it: a script can draw from no other.
CTStatus ct_script_forward(CTScript script, const CTTensor *inputs, int64_t count, const uint64_t *optional_seed,
                           CTTensor *out);
// Which of several results forward takes from now on: a key of a dictionary, or the number in a tuple or a list.
CTStatus ct_script_select(CTScript script, const char *part);
// Does nothing to a script that was frozen, which has no modes.
CTStatus ct_script_set_training(CTScript script, bool is_training);
// Parameters and buffers, each tensor once, by their names in the state dict; the tensors are the script's own.
int64_t ct_script_tensor_count(CTScript script);
const char *ct_script_tensor_name(CTScript script, int64_t index);  // borrowed from the script
bool ct_script_tensor_is_parameter(CTScript script, int64_t index);
CTStatus ct_script_tensor(CTScript script, int64_t index, CTTensor *out);
void ct_script_free(CTScript script);

// Tracing: which operations a function performs on tensors, as data.
//
// Values are numbered: first the inputs, in order, then what operations return and the constants they use. What
// is handed out here is borrowed from the trace, except a constant, which belongs to the caller. Only libtorch's
// own operations are seen: a kernel of ours must leave its work to them while at::tracer::impl::is_dispatch_enabled().
typedef enum CTArgumentKind : int32_t {
    CT_ARGUMENT_NONE = 0,
    CT_ARGUMENT_VALUE = 1,     // one integer, the number of a value
    CT_ARGUMENT_VALUES = 2,    // numbers of values
    CT_ARGUMENT_BOOL = 3,      // one integer
    CT_ARGUMENT_INTEGER = 4,
    CT_ARGUMENT_INTEGERS = 5,
    CT_ARGUMENT_REAL = 6,
    CT_ARGUMENT_REALS = 7,
    CT_ARGUMENT_TEXT = 8,
    CT_ARGUMENT_OTHER = 9      // something that has no place here; `text` says what
} CTArgumentKind;
typedef struct CTArgument {
    const char *name;          // in the operation's schema
    CTArgumentKind kind;
    const char *text;
    const int64_t *integers;
    int64_t integer_count;
    const double *reals;
    int64_t real_count;
} CTArgument;
typedef struct CTTraceNode {
    const char *operation;     // `aten::relu`
    const CTArgument *arguments;
    int64_t argument_count;
    const int64_t *outputs;
    int64_t output_count;
} CTTraceNode;
typedef struct CTTraceValue {
    int32_t dtype;             // -1 where it is not a tensor
    const int64_t *sizes;
    int64_t rank;
    bool is_constant;
} CTTraceValue;
// Computes `output_count` tensors from the inputs that were named to `ct_trace`, and writes them to `outputs`. They
// stay its own, and must live until `ct_trace` returns. Anything but CT_OK ends the trace.
typedef CTStatus (*CTTraceBody)(void *context, CTTensor *outputs);
// Runs `body` once. Tensors that it uses and that are not inputs become constants.
CTStatus ct_trace(const CTTensor *inputs, int64_t count, CTTraceBody body, void *context, int64_t output_count,
                  CTTrace *out);
void ct_trace_free(CTTrace trace);
int64_t ct_trace_node_count(CTTrace trace);
int64_t ct_trace_value_count(CTTrace trace);
const int64_t *ct_trace_outputs(CTTrace trace);
CTTraceNode ct_trace_node(CTTrace trace, int64_t index);
CTTraceValue ct_trace_value(CTTrace trace, int64_t index);
CTStatus ct_trace_constant(CTTrace trace, int64_t value, CTTensor *out);

// Counting: the multiplications of matrix products, convolutions and attention that this thread asks for between the
// two calls. The note above about kernels of ours holds here, too.
CTStatus ct_count_begin(void);
CTStatus ct_count_end(double *multiplications);

// Several processes.
//
// A meeting is where they find each other: process 0, or a launcher, serves a store at a port; all others connect. Once
// all have joined, every process gives signs of life, process 0 listens to all, and all listen to process 0.
CTStatus ct_meeting_open(const char *host, int32_t port, int32_t rank, int32_t size, bool serves, const char *prefix,
                         double patience, CTMeeting *out);
// Waits until all have come, so many seconds at most; the error names those who have not.
CTStatus ct_meeting_join(CTMeeting meeting, double seconds);
// Gives no more signs of life, and listens to none: the end is near, and everybody knows.
void ct_meeting_rest(CTMeeting meeting);
void ct_meeting_free(CTMeeting meeting);
// The port it is at; where 0 was asked for, a free one.
int32_t ct_meeting_port(CTMeeting meeting);
// The process that has given no sign of life for as long as `patience`, or -1.
int32_t ct_meeting_lost(CTMeeting meeting);
// Messages that all can read; there is no order among them, and reading does not wait: NULL where there is none.
CTStatus ct_meeting_set(CTMeeting meeting, const char *key, const void *bytes, size_t count);
CTStatus ct_meeting_get(CTMeeting meeting, const char *key, CTTensor *out);
// Looks for a message once a second, beside the signs of life; `called` tells whether it is there. A collective
// operation that waits for others fails then.
void ct_meeting_watch(CTMeeting meeting, const char *optional_key);
bool ct_meeting_called(CTMeeting meeting);
// Connects all processes of a meeting, which outlives the group. All make the same calls in the same order; tensors are
// changed in place, and are the same bytes everywhere afterwards.
CTStatus ct_group_new(CTMeeting meeting, const char *name, CTGroup *out);
void ct_group_free(CTGroup group);
CTStatus ct_group_sum(CTGroup group, const CTTensor *tensors, int64_t count);
// Sums the gradients of parameters that have one, and a value beside them.
CTStatus ct_group_sum_gradients(CTGroup group, const CTTensor *parameters, int64_t count, CTTensor optional_value);
CTStatus ct_group_broadcast(CTGroup group, const CTTensor *tensors, int64_t count, int32_t root);
// Batch normalisation that trains on this thread takes its statistics from all processes of the group; returns what was
// set before.
CTGroup ct_use_group_for_statistics(CTGroup optional_group);

// The library

CTStatus ct_set_threads(int32_t count);
int32_t ct_threads(void);
// Gives memory that is free back to the system.
void ct_release_memory(void);
// Confines this thread's operations to itself, without touching the number other threads use.
void ct_use_one_thread_here(void);
CTStatus ct_set_deterministic(bool enabled);
// Loads libtorch_cuda from the folder of libtorch_cpu, once; 0 where there is none, or no device.
int32_t ct_cuda_device_count(void);
// Why there is no CUDA device; empty where there is one.
const char *ct_cuda_reason(void);
CTStatus ct_synchronize(int32_t device);

#ifdef __cplusplus
}
#endif
