// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Messages as bytes: what encode and receive take and return, and who owns what is received.
 */

#include "calc.hpp"
#include "feed.hpp"

#include "expect.hpp"

#include <array>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

namespace
{

using calc_cpp::encode;
using calc_cpp::make;
using calc_cpp::receive;

CALC_POOL_STORAGE(fixed_memory);

static_assert(!std::is_copy_constructible_v<calc_cpp::received> && !std::is_move_constructible_v<calc_cpp::received>,
              "its refusal points into it");
static_assert(std::is_same_v<decltype(calc_cpp::received::msg), calc_cpp::handle>);

void each_message_is_received_in_a_handle(calc_cpp::pool &pool)
{
    const calc_cpp::handle sent[] = { make<calc_add>(pool, 5, 6), make<calc_store>(pool, "x", 1.5),
                                      make<calc_quit>(pool) };

    for (const calc_cpp::handle &msg : sent) {
        unsigned char buffer[100];
        const std::size_t size = encode(msg, buffer, sizeof buffer);
        EXPECT(size == calc_size(msg.get()) && size == calc_cpp::encoded_size(msg));
        calc_cpp::handle kept;
        {
            calc_cpp::received got = receive(pool, buffer, size);
            EXPECT(got && got.status() == PROTOPOOL_RECEIVED && got.used() == size && got.missing() == 0);
            EXPECT(got.refusal() == nullptr && got.msg && *got.msg == *msg);
            kept = std::move(got.msg);
            EXPECT(got && !got.msg);
        }
        EXPECT(*kept == *msg);
    }
}

void the_message_is_passed_as_to_match(calc_cpp::pool &pool)
{
    calc_cpp::handle msg = make<calc_add>(pool, 5, 6);
    const calc *const pointer = msg.get();
    const calc &reference = *msg;
    unsigned char buffer[24], same[24];

    EXPECT(encode(msg, buffer, sizeof buffer) == 24);
    EXPECT(encode(msg.get(), same, sizeof same) == 24 && std::memcmp(buffer, same, sizeof same) == 0);
    EXPECT(encode(pointer, same, sizeof same) == 24 && encode(reference, same, sizeof same) == 24);
    EXPECT(encode(*msg, same, 23) == 0);
    msg.reset();
    EXPECT(encode(msg, buffer, sizeof buffer) == 0 && calc_cpp::encoded_size(msg) == 0);
}

void buffers_are_views_too(calc_cpp::pool &pool)
{
    const calc_cpp::handle msg = make<calc_add>(pool, 5, 6);
    unsigned char array[24];
    std::vector<unsigned char> vector(24);
    std::array<std::byte, 24> bytes{};
    const auto &constant = vector;

    EXPECT(encode(msg, array) == 24 && encode(msg, vector) == 24 && encode(msg, bytes) == 24);
    EXPECT(std::memcmp(array, vector.data(), 24) == 0 && std::memcmp(array, bytes.data(), 24) == 0);
    EXPECT(*receive(pool, array).msg == *msg && *receive(pool, constant).msg == *msg);
    EXPECT(*receive(pool, bytes).msg == *msg);
    EXPECT(receive(pool, protopool_cpp::span<const std::byte>(bytes.data(), 23)).missing() == 1);
    EXPECT(encode(msg, protopool_cpp::span<unsigned char>(array, 23)) == 0);
    vector.clear();
    EXPECT(encode(msg, vector) == 0 && receive(pool, vector).missing() == 1);
#ifdef __cpp_lib_span
    EXPECT(*receive(pool, std::as_bytes(std::span(array))).msg == *msg);
    EXPECT(encode(msg, std::as_writable_bytes(std::span(array))) == 24);
#endif
}

void what_is_no_message_has_a_reason(calc_cpp::pool &pool)
{
    unsigned char buffer[100];
    const std::size_t size = encode(make<calc_store>(pool, "abc", 1.5), buffer);

    {
        const calc_cpp::received got = receive(pool, buffer, size - 1);
        EXPECT(!got && !got.msg && got.status() == PROTOPOOL_INCOMPLETE && got.missing() == 1 && got.used() == 0);
        EXPECT(got.refusal() == nullptr);
    }
    buffer[1] = 2; /* the length of the name */
    const calc_cpp::received got = receive(pool, buffer, size);
    EXPECT(!got && !got.msg && got.status() == PROTOPOOL_INVALID && got.missing() == 0 && got.used() == 0);
    EXPECT(got.refusal() != nullptr && std::strcmp(got.refusal()->field, "name") == 0);
    EXPECT(got.refusal() != nullptr
           && std::strcmp(got.refusal()->text, "name has 3 characters, and its length is 2") == 0);
}

void a_pool_without_memory_is_told_from_bad_bytes()
{
    calc_cpp::pool fixed(fixed_memory), none(nullptr, 0);
    std::vector<calc_cpp::handle> all;
    unsigned char buffer[24];

    EXPECT(fixed && !none);
    EXPECT(encode(make<calc_add>(fixed, 1, 2), buffer) == 24);
    for (;;) {
        calc_cpp::received got = receive(fixed, buffer);
        if (!got) {
            EXPECT(got.status() == PROTOPOOL_NO_MEMORY && fixed.failure() == PROTOPOOL_EXHAUSTED && !got.msg);
            break;
        }
        all.push_back(std::move(got.msg));
    }
    EXPECT(all.size() >= 64);
    const calc_cpp::received got = receive(none, buffer);
    EXPECT(got.status() == PROTOPOOL_NO_MEMORY && got.used() == 0 && got.missing() == 0 && !got.msg);
    all.clear();
    EXPECT(fixed.fini() == 0);
}

/* Of C's pools, too. */
void a_shared_message_has_its_first_holder(feed_cpp::pool &pool)
{
    unsigned char buffer[300];
    const feed_cpp::shared_handle sent = feed_cpp::make<feed_news>(pool, 1, "text");
    const std::size_t size = feed_cpp::encode(sent, buffer);
    feed_pool &of_c = pool;

    EXPECT(size == feed_size(sent.get()) && feed_cpp::encoded_size(sent) == size);
    feed_cpp::shared_handle one = std::move(feed_cpp::receive(of_c, buffer, size).msg), other = one;
    EXPECT(one && other && feed_holders(&of_c, one.get()) == 2 && *one == *sent);
    EXPECT(feed_cpp::encode(feed_cpp::shared_handle(), buffer) == 0);
}

} // namespace

int main()
{
    calc_cpp::pool pool;
    feed_cpp::pool feed_pool;

    EXPECT(pool && feed_pool);
    each_message_is_received_in_a_handle(pool);
    the_message_is_passed_as_to_match(pool);
    buffers_are_views_too(pool);
    what_is_no_message_has_a_reason(pool);
    a_pool_without_memory_is_told_from_bad_bytes();
    a_shared_message_has_its_first_holder(feed_pool);
    EXPECT(pool.fini() == 0 && feed_pool.fini() == 0);
    return failures != 0;
}
