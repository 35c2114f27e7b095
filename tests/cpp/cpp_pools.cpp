// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Pools, depots and handles of C++: what they own ends with them.
 */

#include "calc.hpp"

#include "expect.hpp"

#include <sstream>
#include <string>
#include <thread>
#include <type_traits>

namespace
{

using calc_cpp::make;

CALC_POOL_STORAGE(memory);
CALC_DEPOT_STORAGE(shared_memory, 2);

/* Gives nothing. */
const protopool_source nothing = { [](void *, size_t, size_t) -> void * { return nullptr; }, nullptr, nullptr };

size_t live(calc_cpp::pool &pool)
{
    size_t count = 0;
    pool.each([&count](const calc &) { count++; });
    return count;
}

void handles_free_what_they_own()
{
    static_assert(sizeof(calc_cpp::handle) == 2 * sizeof(void *) && !std::is_copy_constructible_v<calc_cpp::handle>);
    static_assert(!std::is_copy_constructible_v<calc_cpp::pool> && !std::is_move_constructible_v<calc_cpp::depot>);
    calc_cpp::pool pool;
    {
        const calc_cpp::handle store = make<calc_store>(pool, "pi", 3);
        calc_cpp::handle moved = make<calc_recall>(pool, "e");
        const calc_cpp::handle other = std::move(moved);
        const calc_cpp::handle none = calc_cpp::own(pool, nullptr);
        const calc_cpp::handle copy = calc_cpp::clone(pool, *store);
        const calc_cpp::handle quit = make<calc_quit>(pool);
        EXPECT(store && other && !none && copy && quit && live(pool) == 3);
        EXPECT(*copy == *store && *copy != *other);
        calc_free(pool.get(), make<calc_add>(pool, 1, 2).release());
        EXPECT(live(pool) == 3);
    }
    EXPECT(live(pool) == 0);
    EXPECT(pool.fini() == 0 && !pool && pool.fini() == 0);
}

void what_the_schema_rules_out_is_an_empty_handle()
{
    calc_cpp::pool pool;

    EXPECT(!make<calc_store>(pool, "a name that is longer than what a Store has room for", 1));
    EXPECT(!make<calc_apply>(pool, static_cast<enum calc_operation>(7), 1, 2));
    EXPECT(pool.failure() == PROTOPOOL_REFUSED);
}

void a_message_is_made_from_a_struct()
{
    calc_cpp::pool pool;
    calc_store store = calc_default_store();
    store.value = 4;
    const calc_cpp::handle msg = make<calc_store>(pool, store);

    EXPECT(msg && calc_cpp::get_if<calc_store>(msg)->value >= 4);
#if __cplusplus >= 202002L
    EXPECT(*make<calc_add>(pool, { .base = {}, .left = 1, .right = 2 }) == *make<calc_add>(pool, 1, 2));
#endif
}

void a_fixed_pool_has_its_max_live()
{
    calc_cpp::pool pool(memory);
    calc_cpp::handle logs[8];
    for (calc_cpp::handle &log : logs)
        log = make<calc_log>(pool, 1, "text");

    EXPECT(pool && logs[7] && !make<calc_log>(pool, 1, "text"));
    EXPECT(pool.failure() == PROTOPOOL_EXHAUSTED);
    logs[0].reset();
    EXPECT(make<calc_log>(pool, 1, "text"));
}

void a_pool_without_memory_is_false_and_gives_nothing()
{
    alignas(8) unsigned char few[8] = {};
    calc_cpp::pool fixed(few, sizeof few);
    calc_cpp::pool growing(&nothing);
    calc_cpp::depot depot(&nothing);
    calc_cpp::pool joined(depot);

    EXPECT(!fixed && !growing && !depot && !joined);
    EXPECT(!make<calc_add>(fixed, 1, 2) && !make<calc_quit>(growing) && !make<calc_add>(joined, 1, 2));
    EXPECT(growing.failure() == PROTOPOOL_EXHAUSTED);
}

void threads_share_a_depot(calc_cpp::depot &depot)
{
    calc_cpp::pool mine(depot);
    calc *passed = nullptr;
    EXPECT(depot && mine);
    std::thread other([&] {
        calc_cpp::pool theirs(depot);
        passed = make<calc_store>(theirs, "from afar", 1).release();
    });
    other.join();
    const calc_cpp::handle msg = calc_cpp::own(mine, passed);
    EXPECT(msg && calc_cpp::name_view(*calc_cpp::get_if<calc_store>(msg)) == "from afar");
}

void messages_are_shown_and_compared()
{
    calc_cpp::pool pool;
    const calc_cpp::handle add = make<calc_add>(pool, 5, 6);
    std::ostringstream out;

    out << *add << ' ' << calc_make_add(7, 8) << ' ' << *make<calc_log>(pool, 1, std::string(200, 'x').c_str());
    EXPECT(out.str().compare(0, 58, "Add { left: 5, right: 6 } Add { left: 7, right: 8 } Log { ") == 0
           && out.str().size() > 250);
    EXPECT(calc_make_add(7, 8) == calc_make_add(7, 8) && calc_make_add(7, 8) != calc_make_add(7, 9));
    EXPECT(*add == calc_make_add(5, 6).base);
}

} // namespace

int main()
{
    handles_free_what_they_own();
    what_the_schema_rules_out_is_an_empty_handle();
    a_message_is_made_from_a_struct();
    a_fixed_pool_has_its_max_live();
    a_pool_without_memory_is_false_and_gives_nothing();
    {
        calc_cpp::depot growing;
        threads_share_a_depot(growing);
        calc_cpp::depot fixed(shared_memory);
        threads_share_a_depot(fixed);
        EXPECT(growing.fini() == 0 && fixed.fini() == 0);
    }
    messages_are_shown_and_compared();
    return failures != 0;
}
