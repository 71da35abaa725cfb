#include "executor/http_loop.hpp"

#include "core/error.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <array>

namespace jobrunner {
namespace {

// Each lookup of a name is a thread of libcurl's.
constexpr int resolving_max = 8;
constexpr long kept_connections_max = 1024;
constexpr int poll_ms = 1000; // only a backstop: orders, sockets and the lease wake it

// A thousand requests are a thousand sockets, and most hosts begin with a soft limit of 1024.
void allow_many_sockets()
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

} // namespace

HttpLoop::HttpLoop(HttpClient::Handler on_end) : on_end_(std::move(on_end))
{
    static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
    multi_ = curl_multi_init();
    if (ready != CURLE_OK || multi_ == nullptr) {
        throw Error(ErrorKind::internal, "libcurl cannot be started");
    }
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kept_connections_max);
    allow_many_sockets();
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

HttpLoop::~HttpLoop()
{
    thread_.request_stop();
    curl_multi_wakeup(multi_);
    thread_.join();
    for (auto& [key, run] : runs_) {
        unsend(run);
    }
    runs_.clear();
    curl_multi_cleanup(multi_);
}

template <typename Change>
void HttpLoop::order(Change change)
{
    const std::lock_guard lock(mutex_);
    change(orders_);
    curl_multi_wakeup(multi_);
}

void HttpLoop::start(HttpRequest request)
{
    order([&](Orders& orders) { orders.start.push_back(std::move(request)); });
}

void HttpLoop::stop(HttpKey key)
{
    order([&](Orders& orders) { orders.stop.push_back(key); });
}

void HttpLoop::stop_all()
{
    order([](Orders& orders) { orders.stop_all = true; });
}

void HttpLoop::lease_until(BootClock::time_point until)
{
    order([&](Orders& orders) { orders.lease = until; });
}

void HttpLoop::run(const std::stop_token& stop)
{
    while (!stop.stop_requested()) {
        obey();
        if (lease_.has_passed()) {
            lease_.acknowledge();
            end_all(HttpEnd::lease_lost);
        }
        if (std::exchange(room_changed_, false)) {
            send_waiting();
        }
        int running = 0;
        curl_multi_perform(multi_, &running);
        collect();
        if (room_changed_) {
            continue;
        }
        curl_waitfd timer{lease_.descriptor(), CURL_WAIT_POLLIN, 0};
        curl_multi_poll(multi_, &timer, lease_.has_passed() ? 0 : 1, poll_ms, nullptr);
    }
}

void HttpLoop::obey()
{
    Orders orders;
    {
        const std::lock_guard lock(mutex_);
        std::swap(orders, orders_);
    }
    if (orders.lease) {
        lease_.set(*orders.lease);
    }
    for (auto& request : orders.start) {
        take(std::move(request));
    }
    for (const HttpKey key : orders.stop) {
        end(key, HttpEnd::stopped);
    }
    if (orders.stop_all) {
        end_all(HttpEnd::stopped);
    }
}

void HttpLoop::take(HttpRequest request)
{
    const HttpKey key = request.key;
    try {
        HttpTransfer::Hooks hooks{
            .may_resolve = [this] { return resolving_ < resolving_max && ++resolving_ > 0; },
            .resolved =
                [this] {
                    --resolving_;
                    room_changed_ = room_changed_ || !waiting_.empty();
                }};
        runs_[key].transfer = std::make_unique<HttpTransfer>(std::move(request), std::move(hooks));
        waiting_.push_back(key);
        room_changed_ = true;
    } catch (const Error& error) {
        runs_.erase(key);
        HttpEnded ended;
        ended.key = key;
        ended.error_class = "RequestFailed";
        ended.error = error.what();
        on_end_(std::move(ended));
    }
}

bool HttpLoop::has_room(const HttpRequest& request) const
{
    const auto sent = sent_by_host_.find(request.host);
    return request.connections_max == 0 || sent == sent_by_host_.end() ||
        sent->second < request.connections_max;
}

void HttpLoop::send_waiting()
{
    std::deque<HttpKey> still_waiting;
    for (const HttpKey key : std::exchange(waiting_, {})) {
        const auto run = runs_.find(key);
        if (run == runs_.end()) {
            continue; // Stopped meanwhile.
        }
        if (has_room(run->second.transfer->request())) {
            send(key, run->second);
        } else {
            still_waiting.push_back(key);
        }
    }
    waiting_.insert(waiting_.begin(), still_waiting.begin(), still_waiting.end());
}

void HttpLoop::send(HttpKey key, Run& run)
{
    run.transfer->restart();
    run.is_sent = true;
    ++sent_by_host_[run.transfer->request().host];
    if (curl_multi_add_handle(multi_, run.transfer->handle()) != CURLM_OK) {
        end(key, HttpEnd::failed);
    }
}

void HttpLoop::unsend(Run& run)
{
    if (!std::exchange(run.is_sent, false)) {
        return;
    }
    curl_multi_remove_handle(multi_, run.transfer->handle());
    const auto sent = sent_by_host_.find(run.transfer->request().host);
    if (--sent->second == 0) {
        sent_by_host_.erase(sent);
    }
}

void HttpLoop::collect()
{
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
        if (message->msg == CURLMSG_DONE) {
            finished(message->easy_handle, message->data.result);
        }
    }
}

void HttpLoop::finished(CURL* handle, CURLcode code)
{
    HttpTransfer* transfer = nullptr;
    curl_easy_getinfo(handle, CURLINFO_PRIVATE, &transfer);
    const HttpKey key = transfer->request().key;
    const auto found = runs_.find(key);
    if (transfer->is_deferred()) {
        unsend(found->second);
        waiting_.push_back(key); // until a lookup has ended
        room_changed_ = room_changed_ || resolving_ < resolving_max;
        return;
    }
    HttpEnded ended = transfer->ended(code);
    unsend(found->second);
    runs_.erase(found);
    room_changed_ = room_changed_ || !waiting_.empty();
    on_end_(std::move(ended));
}

void HttpLoop::end(HttpKey key, HttpEnd how)
{
    const auto found = runs_.find(key);
    if (found == runs_.end()) {
        return;
    }
    HttpEnded ended;
    ended.key = key;
    ended.end = how;
    ended.error_class = how == HttpEnd::failed ? "RequestFailed" : "";
    ended.error = how == HttpEnd::failed ? "libcurl does not take the request" : "";
    unsend(found->second);
    runs_.erase(found);
    room_changed_ = room_changed_ || !waiting_.empty();
    on_end_(std::move(ended));
}

void HttpLoop::end_all(HttpEnd how)
{
    while (!runs_.empty()) {
        end(runs_.begin()->first, how);
    }
    waiting_.clear();
}

} // namespace jobrunner
