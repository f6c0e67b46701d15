#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <cstdint>
#include <string>

#include "http/headers.hpp"
#include "http/message.hpp"

namespace mimir::http::detail {

namespace beast = boost::beast;

/// A message before its body.
struct Head {
    Method method = Method::other;  // of requests
    std::string target;             // of requests
    int status = 0;                 // of responses
    int version = 11;
    Headers headers;
};

/// Beast's parser, putting what it finds into a Head and a string.
template <bool is_request>
class MessageParser final : public beast::http::basic_parser<is_request> {
  public:
    using error_code = beast::error_code;

    MessageParser(Head& head, std::uint32_t header_bytes_limit) : head_(head) {
        this->header_limit(header_bytes_limit);
        this->body_limit(boost::none);  // known only when the route is
    }

    /// Where body bytes go, and how many there may be.
    void body_to(std::string& out, std::uint64_t bytes_limit) {
        body_ = &out;
        body_bytes_limit_ = bytes_limit;
    }

  private:
    using string_view = beast::string_view;

    void
    on_request_impl(beast::http::verb verb, string_view, string_view target, int version, error_code&)
        override {
        head_.method = to_method(verb);
        head_.target.assign(target.data(), target.size());
        head_.version = version;
    }
    void on_response_impl(int status, string_view, int version, error_code&) override {
        head_.status = status;
        head_.version = version;
    }
    void on_field_impl(beast::http::field, string_view name, string_view value, error_code&)
        override {
        if (body_started_) return;  // trailers
        head_.headers.add({name.data(), name.size()}, {value.data(), value.size()});
    }
    void on_header_impl(error_code&) override { body_started_ = true; }
    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
    std::size_t on_body_impl(string_view bytes, error_code& error) override {
        return take(bytes, error);
    }
    void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, string_view bytes, error_code& error) override {
        return take(bytes, error);
    }
    void on_finish_impl(error_code&) override {}

    std::size_t take(string_view bytes, error_code& error) {
        body_bytes_ += bytes.size();
        if (body_bytes_ > body_bytes_limit_) {
            error = beast::http::error::body_limit;
            return 0;
        }
        body_->append(bytes.data(), bytes.size());
        return bytes.size();
    }

    static Method to_method(beast::http::verb verb) {
        switch (verb) {
            case beast::http::verb::get: return Method::get;
            case beast::http::verb::head: return Method::head;
            case beast::http::verb::post: return Method::post;
            case beast::http::verb::put: return Method::put;
            case beast::http::verb::patch: return Method::patch;
            case beast::http::verb::delete_: return Method::delete_;
            case beast::http::verb::options: return Method::options;
            default: return Method::other;
        }
    }

    Head& head_;
    std::string* body_ = nullptr;
    std::uint64_t body_bytes_limit_ = 0;
    std::uint64_t body_bytes_ = 0;
    bool body_started_ = false;
};

}  // namespace mimir::http::detail
