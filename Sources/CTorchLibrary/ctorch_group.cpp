// Several processes that compute together: where they meet, who is still there, and sums over all of them.
//
// c10d's TCP store carries messages and signs of life, its Gloo backend the tensors. A backend for NCCL would stand
// beside Gloo's in `connected`; it needs CUDA's headers, and so a library of its own that is loaded where CUDA is. Until
// then tensors on a CUDA device are summed through host memory.
#define USE_C10D_GLOO 1
#include <ATen/ATen.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <chrono>
#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "ctorch_group.h"
#include "ctorch_internal.h"

extern int FLAGS_caffe2_log_level;  // c10's; errors are 2

using namespace ct;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

// What no collective takes, however long one process works alone: signs of life tell earlier that one is dead.
constexpr auto longest = std::chrono::hours(6);

[[noreturn]] void unreachable(const std::string &text) { C10_THROW_ERROR(DistNetworkError, text); }

// Failures of sockets come in many types; all mean that another process cannot be reached.
template <typename Body> auto reaching(Body &&body) {
    try {
        return body();
    } catch (const c10::DistError &) {
        throw;
    } catch (const c10::Error &e) {
        unreachable(e.what_without_backtrace());
    } catch (const std::exception &e) {
        unreachable(e.what());
    }
}

milliseconds inMilliseconds(double seconds) { return milliseconds(int64_t(seconds * 1000)); }

std::vector<uint8_t> bytesOf(const std::string &text) { return {text.begin(), text.end()}; }

}  // namespace

struct CTMeeting_ : Handle<meetingMark> {
    CTMeeting_(const char *host, int32_t port, int32_t rank, int32_t size, bool serves, const char *prefix,
               double patience)
        : host(host), rank(rank), size(size), patience(inMilliseconds(patience)) {
        // A connection that ends is told by an exception; c10d would tell it on stderr, too.
        FLAGS_caffe2_log_level = std::max(FLAGS_caffe2_log_level, 2);
        c10d::TCPStoreOptions options;
        options.port = uint16_t(port);
        options.isServer = serves;
        options.waitWorkers = false;
        options.timeout = this->patience;
        auto server = c10::make_intrusive<c10d::TCPStore>(this->host, options);
        this->port = server->getPort();
        auto wrapped = [&](c10::intrusive_ptr<c10d::Store> store) -> c10::intrusive_ptr<c10d::Store> {
            if (*prefix == 0) return store;
            return c10::make_intrusive<c10d::PrefixStore>(prefix, std::move(store));
        };
        store = wrapped(server);
        // A connection of its own: a store's calls wait for each other.
        heartStore = wrapped(server->clone());
        lastBeat = Clock::now();
    }

    ~CTMeeting_() { rest(); }

    void rest() {
        isResting = true;
        {
            std::lock_guard lock(mutex);
            isOver = true;
        }
        wake.notify_all();
        if (heart.joinable()) heart.join();
    }

    static std::string alive(int32_t rank) { return "alive/" + std::to_string(rank); }

    // Says that this process has come and waits for the others; afterwards they listen to each other.
    void join(double seconds) {
        store->set(alive(rank), bytesOf("0"));
        const auto end = Clock::now() + inMilliseconds(seconds);
        std::string missing;
        for (int32_t other = 0; other < size; other++) {
            while (!store->check({alive(other)})) {
                if (Clock::now() > end) {
                    missing += (missing.empty() ? "" : ", ") + std::to_string(other);
                    break;
                }
                std::this_thread::sleep_for(milliseconds(20));
            }
        }
        if (!missing.empty()) unreachable("missing " + missing);
        for (int32_t other = 0; other < size; other++) {
            if (other != rank && (rank == 0 || other == 0)) watched.push_back({alive(other), other, {}, Clock::now()});
        }
        lastBeat = Clock::now();
        isBeating = true;
        heart = std::thread([this] { beat(); });
    }

    // The process that was lost, or -1.
    int32_t missing() {
        const auto known = lost.load();
        if (known >= 0) return known;
        // Where even this process's own signs no longer reach the store, that is what was lost.
        return isBeating && !isResting && Clock::now() - lastBeat.load() > patience + milliseconds(10000) ? 0 : -1;
    }

    const std::string host;
    int32_t port, rank, size;
    const milliseconds patience;
    c10::intrusive_ptr<c10d::Store> store;
    std::atomic<bool> called{false};

    void watch(const char *key) {
        std::lock_guard lock(mutex);
        watchedKey = key ? key : "";
        called = false;
    }

 private:
    struct Watched {
        std::string key;
        int32_t rank;
        std::vector<uint8_t> last;
        Clock::time_point heard;
    };

    c10::intrusive_ptr<c10d::Store> heartStore;
    std::atomic<int32_t> lost{-1};
    std::atomic<bool> isBeating{false}, isResting{false};
    std::atomic<Clock::time_point> lastBeat;
    std::vector<Watched> watched;
    std::thread heart;
    std::mutex mutex;
    std::condition_variable wake;
    std::string watchedKey;
    bool isOver = false;

    void beat() {
        const auto interval = std::min(milliseconds(1000), patience / 8);
        for (int64_t number = 1;; number++) {
            std::string key;
            {
                std::unique_lock lock(mutex);
                wake.wait_for(lock, interval, [&] { return isOver; });
                if (isOver) return;
                key = watchedKey;
            }
            try {
                heartStore->set(alive(rank), bytesOf(std::to_string(number)));
                for (auto &other : watched) {
                    auto now = heartStore->get(other.key);
                    if (now != other.last) {
                        other.last = std::move(now);
                        other.heard = Clock::now();
                    } else if (Clock::now() - other.heard > patience) {
                        lost = other.rank;
                    }
                }
                if (!key.empty() && heartStore->check({key})) {
                    std::lock_guard lock(mutex);
                    if (key == watchedKey) called = true;
                }
                lastBeat = Clock::now();
            } catch (...) {
                // The store lives in process 0, or beside it.
                lost = 0;
                return;
            }
        }
    }
};

struct CTGroup_ : Handle<groupMark> {
    CTMeeting_ *meeting;
    c10::intrusive_ptr<c10d::Backend> backend;
    bool isStuck = false;

    ~CTGroup_() {
        // The backend's end waits for work that will never be done; what is left ends with the process.
        if (isStuck) (void)backend.release();
    }

    void finish(const c10::intrusive_ptr<c10d::Work> &work) {
        reaching([&] {
            while (true) {
                try {
                    work->wait(milliseconds(500));
                    return;
                } catch (...) {
                    if (work->isCompleted()) throw;
                }
                if (meeting->called || meeting->missing() >= 0) {
                    isStuck = true;
                    unreachable("another process is gone");
                }
            }
        });
    }
};

namespace {

inline CTMeeting_ &m_(CTMeeting meeting) { return *checked(meeting, "meeting"); }
inline CTGroup_ &g_(CTGroup group) { return *checked(group, "process group"); }

c10::intrusive_ptr<c10d::Backend> connected(CTMeeting_ &meeting, const std::string &name) {
    auto store = c10::make_intrusive<c10d::PrefixStore>(name, meeting.store);
    // Connecting has one limit for all; so everybody is here before it begins, however long that takes.
    store->set("here/" + std::to_string(meeting.rank), bytesOf("1"));
    for (int32_t other = 0; other < meeting.size; other++) {
        while (!store->check({"here/" + std::to_string(other)})) {
            if (meeting.called || meeting.missing() >= 0) unreachable("another process is gone");
            std::this_thread::sleep_for(milliseconds(5));
        }
    }
    c10::intrusive_ptr<c10d::ProcessGroupGloo::Options> options;
    if (meeting.host == "127.0.0.1" || meeting.host == "localhost") {
        // The machine's own name may lead to an address that is not there.
        options = c10::make_intrusive<c10d::ProcessGroupGloo::Options>(meeting.patience);
        options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1"));
    } else {
        options = c10d::ProcessGroupGloo::Options::create_default(meeting.patience);
    }
    return c10::make_intrusive<c10d::ProcessGroupGloo>(store, meeting.rank, meeting.size, options);
}

c10::intrusive_ptr<c10d::Work> startSum(CTGroup_ &group, at::Tensor &flat) {
    std::vector<at::Tensor> list{flat};
    c10d::AllreduceOptions options;
    options.timeout = longest;
    return group.backend->allreduce(list, options);
}

// Sums tensors in place, many in one message: latency counts more than bytes.
void sumInPlace(CTGroup_ &group, const std::vector<at::Tensor> &tensors) {
    constexpr int64_t bucketBytes = 32 << 20;
    struct Bucket {
        std::vector<at::Tensor> parts;
        at::Tensor flat;
        c10::intrusive_ptr<c10d::Work> work;
    };
    std::vector<Bucket> buckets;
    int64_t bytes = 0;
    for (auto &tensor : tensors) {
        if (buckets.empty() || bytes + int64_t(tensor.nbytes()) > bucketBytes ||
            buckets.back().parts[0].scalar_type() != tensor.scalar_type()) {
            buckets.emplace_back();
            bytes = 0;
        }
        buckets.back().parts.push_back(tensor);
        bytes += int64_t(tensor.nbytes());
    }
    for (auto &bucket : buckets) {
        std::vector<at::Tensor> rows;
        for (auto &part : bucket.parts) rows.push_back(part.reshape(-1));
        bucket.flat = at::cat(rows).to(at::kCPU);
        bucket.work = reaching([&] { return startSum(group, bucket.flat); });
    }
    for (auto &bucket : buckets) {
        group.finish(bucket.work);
        int64_t start = 0;
        for (auto &part : bucket.parts) {
            part.copy_(bucket.flat.narrow(0, start, part.numel()).view(part.sizes()));
            start += part.numel();
        }
    }
}

}  // namespace

namespace ct {

at::Tensor sumOfAll(CTGroup group, at::Tensor values) {
    auto &g = g_(group);
    auto host = values.to(at::kCPU).contiguous();
    g.finish(reaching([&] { return startSum(g, host); }));
    return host.to(values.device());
}

}  // namespace ct

extern "C" {

CTStatus ct_meeting_open(const char *host, int32_t port, int32_t rank, int32_t size, bool serves, const char *prefix,
                         double patience, CTMeeting *out) {
    return guarded([&] {
        *out = reaching([&] { return new CTMeeting_(host, port, rank, size, serves, prefix, patience); });
    });
}

CTStatus ct_meeting_join(CTMeeting meeting, double seconds) {
    return guarded([&] { reaching([&] { m_(meeting).join(seconds); }); });
}

void ct_meeting_rest(CTMeeting meeting) { meeting->rest(); }

void ct_meeting_free(CTMeeting meeting) { delete meeting; }

int32_t ct_meeting_port(CTMeeting meeting) { return meeting->port; }

int32_t ct_meeting_lost(CTMeeting meeting) { return meeting->missing(); }

CTStatus ct_meeting_set(CTMeeting meeting, const char *key, const void *bytes, size_t count) {
    return guarded([&] {
        auto start = static_cast<const uint8_t *>(bytes);
        reaching([&] { m_(meeting).store->set(key, std::vector<uint8_t>(start, start + count)); });
    });
}

CTStatus ct_meeting_get(CTMeeting meeting, const char *key, CTTensor *out) {
    return guarded([&] {
        reaching([&] {
            auto &store = *m_(meeting).store;
            if (!store.check({key})) {
                *out = nullptr;
                return;
            }
            auto bytes = store.get(key);
            auto tensor = at::empty({int64_t(bytes.size())}, at::kByte);
            if (!bytes.empty()) std::memcpy(tensor.data_ptr(), bytes.data(), bytes.size());
            *out = made(std::move(tensor));
        });
    });
}

void ct_meeting_watch(CTMeeting meeting, const char *optional_key) { meeting->watch(optional_key); }

bool ct_meeting_called(CTMeeting meeting) { return meeting->called; }

CTStatus ct_group_new(CTMeeting meeting, const char *name, CTGroup *out) {
    return guarded([&] {
        auto group = std::make_unique<CTGroup_>();
        group->meeting = &m_(meeting);
        group->backend = reaching([&] { return connected(*group->meeting, name); });
        *out = group.release();
    });
}

void ct_group_free(CTGroup group) {
    forgetStatisticsOf(group);
    delete group;
}

CTStatus ct_group_sum(CTGroup group, const CTTensor *tensors, int64_t count) {
    return guarded([&] {
        at::NoGradGuard noGrad;
        sumInPlace(g_(group), list_(tensors, count));
    });
}

CTStatus ct_group_sum_gradients(CTGroup group, const CTTensor *parameters, int64_t count, CTTensor optional_value) {
    return guarded([&] {
        at::NoGradGuard noGrad;
        std::vector<at::Tensor> list;
        if (optional_value) list.push_back(a_(optional_value));
        for (int64_t i = 0; i < count; i++) {
            auto &gradient = a_(parameters[i]).grad();
            if (gradient.defined()) list.push_back(gradient);
        }
        sumInPlace(g_(group), list);
    });
}

CTStatus ct_group_broadcast(CTGroup group, const CTTensor *tensors, int64_t count, int32_t root) {
    return guarded([&] {
        at::NoGradGuard noGrad;
        for (auto &tensor : list_(tensors, count)) {
            auto host = tensor.to(at::kCPU).contiguous();
            std::vector<at::Tensor> one{host};
            c10d::BroadcastOptions options;
            options.rootRank = root;
            options.timeout = longest;
            g_(group).finish(reaching([&] { return g_(group).backend->broadcast(one, options); }));
            if (!host.is_same(tensor)) tensor.copy_(host);
        }
    });
}

}  // extern "C"
