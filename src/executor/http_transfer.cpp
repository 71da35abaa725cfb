#include "executor/http_transfer.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace jobrunner {
namespace {

constexpr std::size_t header_bytes_max = 256 * 1024;

template <typename Value>
void set_option(CURL* handle, CURLoption option, Value value)
{
    if (const CURLcode code = curl_easy_setopt(handle, option, value); code != CURLE_OK) {
        throw Error(ErrorKind::internal,
            "libcurl refuses an option (" + std::to_string(option) + "): " + curl_easy_strerror(code));
    }
}

std::optional<IpAddress> address_of(const curl_sockaddr& address)
{
    if (address.family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, &address.addr, sizeof in);
        return IpAddress::v4(reinterpret_cast<const std::uint8_t*>(&in.sin_addr));
    }
    if (address.family == AF_INET6) {
        sockaddr_in6 in{};
        std::memcpy(&in, &address.addr, std::min<std::size_t>(sizeof in, address.addrlen));
        return IpAddress::v6(reinterpret_cast<const std::uint8_t*>(&in.sin6_addr));
    }
    return std::nullopt;
}

std::chrono::microseconds time_of(CURL* handle, CURLINFO what)
{
    curl_off_t microseconds = 0;
    curl_easy_getinfo(handle, what, &microseconds);
    return std::chrono::microseconds(microseconds);
}

std::string_view trimmed(std::string_view text)
{
    const auto begin = text.find_first_not_of(" \t\r\n");
    const auto end = text.find_last_not_of(" \t\r\n");
    return begin == std::string_view::npos ? std::string_view{} : text.substr(begin, end - begin + 1);
}

const char* class_of(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return "NameNotResolved";
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
        return "ConnectFailed";
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return "TlsFailed";
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
        return "ConnectionLost";
    case CURLE_PARTIAL_FILE:
        return "AnswerCutShort";
    default:
        return "BadAnswer";
    }
}

} // namespace

HttpTransfer::HttpTransfer(HttpRequest request, Hooks hooks)
    : request_(std::move(request)), hooks_(std::move(hooks)), handle_(curl_easy_init())
{
    if (handle_ == nullptr) {
        throw Error(ErrorKind::internal, "libcurl has no memory for a request");
    }
    answer_.key = request_.key;
    try {
        set_options();
    } catch (const Error&) {
        curl_slist_free_all(headers_);
        curl_easy_cleanup(handle_);
        throw;
    }
}

HttpTransfer::~HttpTransfer()
{
    release_resolve();
    curl_easy_cleanup(handle_);
    curl_slist_free_all(headers_);
}

void HttpTransfer::set_options()
{
    for (const auto& header : request_.headers) {
        headers_ = curl_slist_append(headers_, header.c_str());
    }
    set_option(handle_, CURLOPT_URL, request_.url.c_str());
    set_option(handle_, CURLOPT_PROTOCOLS_STR, "http,https");
    set_option(handle_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set_option(handle_, CURLOPT_PATH_AS_IS, 1L);
    set_option(handle_, CURLOPT_HTTPHEADER, headers_);
    set_option(handle_, CURLOPT_FOLLOWLOCATION, 0L);
    set_option(
        handle_, CURLOPT_PROXY, request_.proxy.c_str()); // an empty one: none of the environment's either
    set_option(handle_, CURLOPT_NOSIGNAL, 1L);
    set_option(handle_, CURLOPT_QUICK_EXIT, 1L); // an abort does not wait for a name's lookup
    set_option(handle_, CURLOPT_TIMEOUT_MS, static_cast<long>(request_.timeout.count()));
    set_option(handle_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.connect_timeout.count()));
    if (!request_.ca_file.empty()) {
        set_option(handle_, CURLOPT_CAINFO, request_.ca_file.c_str());
        set_option(handle_, CURLOPT_CAPATH, static_cast<char*>(nullptr));
    }
    set_option(handle_, CURLOPT_WRITEFUNCTION, &HttpTransfer::on_body);
    set_option(handle_, CURLOPT_WRITEDATA, this);
    set_option(handle_, CURLOPT_HEADERFUNCTION, &HttpTransfer::on_header);
    set_option(handle_, CURLOPT_HEADERDATA, this);
    set_option(handle_, CURLOPT_OPENSOCKETFUNCTION, &HttpTransfer::on_open);
    set_option(handle_, CURLOPT_OPENSOCKETDATA, this);
    set_option(handle_, CURLOPT_PREREQFUNCTION, &HttpTransfer::on_request);
    set_option(handle_, CURLOPT_PREREQDATA, this);
    set_option(handle_, CURLOPT_RESOLVER_START_FUNCTION, &HttpTransfer::on_resolve);
    set_option(handle_, CURLOPT_RESOLVER_START_DATA, this);
    set_option(handle_, CURLOPT_PRIVATE, this);
    set_body();
}

void HttpTransfer::set_body()
{
    if (request_.body) {
        set_option(handle_, CURLOPT_POST, 1L);
        set_option(handle_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body->size()));
        set_option(handle_, CURLOPT_POSTFIELDS, request_.body->data());
    } else {
        set_option(handle_, CURLOPT_HTTPGET, 1L);
    }
    set_option(handle_, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
}

std::size_t HttpTransfer::on_body(char* data, std::size_t size, std::size_t count, void* self)
{
    auto& transfer = *static_cast<HttpTransfer*>(self);
    const std::size_t bytes = size * count;
    const std::size_t room = transfer.request_.response_max - transfer.answer_.body.size();
    transfer.answer_.body.append(data, std::min(bytes, room));
    transfer.answer_.too_large = bytes > room;
    return transfer.answer_.too_large ? 0 : bytes;
}

std::size_t HttpTransfer::on_header(char* data, std::size_t size, std::size_t count, void* self)
{
    auto& transfer = *static_cast<HttpTransfer*>(self);
    const std::size_t bytes = size * count;
    transfer.header_bytes_ += bytes;
    transfer.headers_too_large_ = transfer.header_bytes_ > header_bytes_max;
    transfer.take_header(std::string_view(data, bytes));
    return transfer.headers_too_large_ ? 0 : bytes;
}

void HttpTransfer::take_header(std::string_view line)
{
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) {
        return;
    }
    const auto name = lower_ascii(line.substr(0, colon));
    const auto value = trimmed(line.substr(colon + 1));
    if (name == "content-type") {
        answer_.content_type = value;
    } else if (name == "retry-after") {
        answer_.retry_after = value;
    } else if (name == "date") {
        answer_.date = value;
    }
}

bool HttpTransfer::is_refused(const IpAddress& address)
{
    if (!request_.proxy.empty()) {
        return false; // The configuration names the proxy, and the proxy alone knows whom it asks.
    }
    const auto reason = reason_to_refuse(request_.addresses, address);
    if (reason) {
        refusal_ = request_.host + " is at " + address.text() + ", " + std::string(*reason) +
            "; a public address was expected";
    }
    return reason.has_value();
}

curl_socket_t HttpTransfer::on_open(void* self, curlsocktype, curl_sockaddr* address)
{
    auto& transfer = *static_cast<HttpTransfer*>(self);
    transfer.release_resolve();
    const auto ip = address_of(*address);
    if (!ip || transfer.is_refused(*ip)) {
        return CURL_SOCKET_BAD;
    }
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

// A connection that is used again may have been made for a kind that allows more.
int HttpTransfer::on_request(void* self, char* remote, char*, int, int)
{
    auto& transfer = *static_cast<HttpTransfer*>(self);
    transfer.release_resolve();
    const auto ip = IpAddress::parse(remote);
    transfer.answer_.address = remote;
    return !ip || transfer.is_refused(*ip) ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

int HttpTransfer::on_resolve(void*, void*, void* self)
{
    auto& transfer = *static_cast<HttpTransfer*>(self);
    if (!transfer.resolving_) {
        transfer.resolving_ = transfer.hooks_.may_resolve();
        transfer.deferred_ = !transfer.resolving_;
    }
    return transfer.deferred_ ? 1 : 0;
}

void HttpTransfer::release_resolve()
{
    if (std::exchange(resolving_, false)) {
        hooks_.resolved();
    }
}

void HttpTransfer::explain(HttpEnded& ended, CURLcode code) const
{
    if (!refusal_.empty() && code != CURLE_OPERATION_TIMEDOUT) {
        ended.end = HttpEnd::refused;
        ended.error_class = "AddressRefused";
        ended.error = refusal_;
        return;
    }
    const bool whole_time = request_.timeout.count() > 0 && ended.total >= request_.timeout;
    if (code == CURLE_OPERATION_TIMEDOUT && whole_time) {
        ended.end = HttpEnd::timed_out;
        return;
    }
    ended.end = HttpEnd::failed;
    ended.error_class = headers_too_large_ ? "HeadersTooLarge" : class_of(code);
    ended.error = request_.host + ": " +
        (headers_too_large_ ? "its headers are over 256 KiB" : curl_easy_strerror(code));
}

HttpEnded HttpTransfer::ended(CURLcode code)
{
    release_resolve();
    HttpEnded ended = std::move(answer_);
    long status = 0;
    curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &status);
    ended.status = static_cast<int>(status);
    ended.connected = time_of(handle_, CURLINFO_APPCONNECT_TIME_T);
    if (ended.connected.count() == 0) {
        ended.connected = time_of(handle_, CURLINFO_CONNECT_TIME_T);
    }
    ended.first_byte = time_of(handle_, CURLINFO_STARTTRANSFER_TIME_T);
    ended.total = time_of(handle_, CURLINFO_TOTAL_TIME_T);
    if (code == CURLE_OK || (ended.too_large && code == CURLE_WRITE_ERROR)) {
        ended.end = HttpEnd::answered;
    } else {
        explain(ended, code);
    }
    return ended;
}

} // namespace jobrunner
