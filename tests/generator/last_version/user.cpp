// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * A C++17 program on a generated header: compiled with every warning, linked with nothing but the C library.
 */

#include "calc.hpp"

#include <cstdio>
#include <type_traits>

namespace
{

CALC_POOL_STORAGE(memory);

#define ONE(UPPER, lower) +1
constexpr int variants = 0 CALC_VARIANTS(ONE);
#undef ONE

double result(const calc *msg)
{
    switch (calc_tag_of(msg)) {
    case CALC_ADD:
        return static_cast<double>(calc_as_add(msg)->left + calc_as_add(msg)->right);
    case CALC_NEGATE:
        return -static_cast<double>(calc_as_negate(msg)->value);
    case CALC_APPLY:
        return calc_as_apply(msg)->operation == CALC_OPERATION_ADD ? calc_as_apply(msg)->left : 0;
    case CALC_SUM:
    case CALC_STORE:
    case CALC_RECALL:
    case CALC_LOG:
    case CALC_QUIT:
        break;
    }
    return 0;
}

/* The same with match: a variant that is forgotten would not compile. */
double matched(const calc &msg)
{
    return calc_cpp::match(
        msg, [](const calc_add &add) { return static_cast<double>(add.left + add.right); },
        [](const calc_negate &negate) { return -static_cast<double>(negate.value); },
        [](const calc_apply &apply) { return apply.operation == CALC_OPERATION_ADD ? apply.left : 0; },
        [](const auto &) { return 0.0; });
}

/* Handles free their messages: however the block is left, none is live behind it. */
bool handles(calc_pool &pool)
{
    struct calc_pool_stats stats;
    {
        const calc_cpp::handle store = calc_cpp::own(pool, calc_new_store(&pool, "pi", 3));
        calc_cpp::handle moved = calc_cpp::own(pool, calc_new_recall(&pool, "e"));
        const calc_cpp::handle other = std::move(moved);
        const calc_cpp::handle none = calc_cpp::own(pool, nullptr);
        if (!store || moved || !other || none || calc_cpp::name_view(*calc_as_store(store.get())) != "pi")
            return false;
        calc_free(&pool, calc_cpp::own(pool, calc_new_add(&pool, 1, 2)).release());
    }
    calc_pool_stats(&pool, &stats);
    for (const protopool_slot_stats &slot : stats.slot)
        if (slot.live != 0)
            return false;
    return true;
}

static_assert(sizeof(calc_cpp::handle) == 2 * sizeof(void *) && !std::is_copy_constructible_v<calc_cpp::handle>);

} // namespace

int main()
{
    static calc_pool pool;
    calc_any any{};
    calc_store store = calc_make_store("answer", 42);
    double sum = 0;

    if (!calc_pool_init(&pool, memory, sizeof memory) || !calc_valid_store(&store) || variants != 8)
        return 1;
    any.add = calc_make_add(1, 2);
    sum += result(&any.base);
    calc *const messages[] = { calc_new_add(&pool, 5, 6), calc_new_negate(&pool, 4), calc_copy_store(&pool, &store),
                               calc_new_quit(&pool), calc_new_apply(&pool, CALC_OPERATION_ADD, 1, 2) };
    for (calc *msg : messages) {
        if (msg == nullptr || calc_print(stdout, msg) < 0)
            return 1;
        std::puts("");
        sum += result(msg);
        if (result(msg) != matched(*msg))
            return 1;
        calc_free(&pool, msg);
    }
    if (!handles(pool))
        return 1;
    return calc_pool_fini(&pool) == 0 && sum == 11.0 ? 0 : 1;
}
