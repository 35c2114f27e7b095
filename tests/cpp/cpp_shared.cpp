// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Handles of shared messages: each is one holder, and what it points to is const.
 */

#include "feed.hpp"

#include "expect.hpp"

#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace
{

using feed_cpp::make;
using feed_cpp::shared_handle;

std::size_t holders(feed_cpp::pool &pool, const shared_handle &msg)
{
    return feed_holders(pool.get(), msg.get());
}

void each_copy_is_a_holder(feed_cpp::pool &pool)
{
    shared_handle one = make<feed_tick>(pool, 7, 8, 9);
    EXPECT(holders(pool, one) == 1);
    {
        std::vector<shared_handle> all(5, one);
        EXPECT(holders(pool, one) == 6);
        all[0] = all[1];
        all[2] = shared_handle();
        EXPECT(!all[2] && holders(pool, one) == 5);
        all.pop_back();
        EXPECT(holders(pool, one) == 4);
        shared_handle &same = all[0];
        all[0] = same;
        EXPECT(holders(pool, one) == 4);
    }
    EXPECT(holders(pool, one) == 1);
}

void a_move_is_the_same_holder(feed_cpp::pool &pool)
{
    shared_handle one = make<feed_news>(pool, 1, "text");
    shared_handle moved = std::move(one);
    EXPECT(!one && moved && holders(pool, moved) == 1);
    one = std::move(moved);
    EXPECT(one && !moved && holders(pool, one) == 1);
    shared_handle again(pool, one.release());
    EXPECT(!one && again && holders(pool, again) == 1);
}

void what_is_shared_is_const(feed_cpp::pool &pool)
{
    shared_handle one = make<feed_tick>(pool, 7, 8, 9);
    static_assert(std::is_same_v<decltype(feed_cpp::get_if<feed_tick>(one)), const feed_tick *>);
    static_assert(std::is_same_v<decltype(*one), const feed &>);
    static_assert(!std::is_convertible_v<shared_handle, feed_cpp::handle>);
    EXPECT(feed_cpp::get<feed_tick>(one).price == 9 && one->tag == FEED_TICK);
    EXPECT(feed_cpp::match(
        one, [](const feed_tick &tick) { return tick.instrument == 7; }, [](const auto &) { return false; }));
}

void a_copy_goes_to_another_thread()
{
    feed_cpp::depot depot;
    feed_cpp::pool pool(depot);
    {
        shared_handle one = make<feed_tick>(pool, 7, 8, 9);
        shared_handle copy = one;
        feed *const passed = copy.release();
        EXPECT(holders(pool, one) == 2);
        std::thread([&depot, passed] {
            feed_cpp::pool mine(depot);
            shared_handle other(mine, passed);
            EXPECT(feed_cpp::get<feed_tick>(other).sequence == 8);
        }).join();
        EXPECT(holders(pool, one) == 1);
    }
    EXPECT(pool.fini() == 0);
    EXPECT(depot.fini() == 0);
}

} // namespace

int main()
{
    feed_cpp::pool pool;

    EXPECT(static_cast<bool>(pool));
    each_copy_is_a_holder(pool);
    a_move_is_the_same_holder(pool);
    what_is_shared_is_const(pool);
    a_copy_goes_to_another_thread();
    EXPECT(pool.fini() == 0);
    return failures != 0;
}
