#include "executor/http_client.hpp"

#include "executor/http_loop.hpp"

namespace jobrunner {

HttpClient::HttpClient(Handler on_end) : loop_(std::make_unique<HttpLoop>(std::move(on_end))) {}

HttpClient::~HttpClient() = default;

void HttpClient::start(HttpRequest request)
{
    loop_->start(std::move(request));
}

void HttpClient::stop(HttpKey key)
{
    loop_->stop(key);
}

void HttpClient::stop_all()
{
    loop_->stop_all();
}

void HttpClient::lease_until(BootClock::time_point until)
{
    loop_->lease_until(until);
}

} // namespace jobrunner
