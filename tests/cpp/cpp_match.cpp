// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * match: which function a variant goes to, by what reference, and what becomes of its result.
 */

#include "calc.hpp"

#include "expect.hpp"

#include <memory>
#include <type_traits>

namespace
{

using calc_cpp::make;
using calc_cpp::match;

void mutable_messages_are_changed(calc_cpp::pool &pool)
{
    calc_cpp::handle msg = make<calc_add>(pool, 1, 2);
    calc *const raw = msg.get();
    const auto set = [](uint64_t to) { return [to](calc_add &add) { add.left = to; }; };
    const auto rest = [](const auto &) {};

    match(msg, set(3), rest);
    EXPECT(calc_as_add(raw)->left == 3);
    match(*msg, set(4), rest);
    EXPECT(calc_as_add(raw)->left == 4);
    match(raw, set(5), rest);
    EXPECT(calc_as_add(raw)->left == 5);
    match(make<calc_add>(pool, 1, 2), set(6), rest);
}

void const_messages_are_const(calc_cpp::pool &pool)
{
    const calc_cpp::handle msg = make<calc_add>(pool, 1, 2);
    const calc *const raw = msg.get();
    const auto is_const = [](auto &variant) { return std::is_const_v<std::remove_reference_t<decltype(variant)>>; };

    EXPECT(match(msg, is_const));
    EXPECT(match(raw, is_const));
    EXPECT(match(*raw, is_const));
    EXPECT(!match(*msg, is_const)); /* as with any std::unique_ptr */
}

void a_function_of_its_own_goes_before_the_rest(calc_cpp::pool &pool)
{
    const calc_cpp::handle add = make<calc_add>(pool, 1, 2);
    const calc_cpp::handle quit = make<calc_quit>(pool);
    const auto number = [](const calc &msg) {
        return match(
            msg, [](const auto &) { return 0; }, [](const calc_add &) { return 1; });
    };
    const auto by_value = [](const calc &msg) {
        return match(
            msg, [](calc_add) { return 1; }, [](auto &&) { return 0; });
    };

    EXPECT(by_value(*add) == 1 && by_value(*quit) == 0);
    EXPECT(number(*add) == 1 && number(*quit) == 0);
}

void what_may_write_goes_before_what_reads(calc_cpp::pool &pool)
{
    calc_cpp::handle msg = make<calc_add>(pool, 1, 2);
    const auto number = [](auto &of) {
        return match(
            of, [](const calc_add &) { return 1; }, [](calc_negate &) { return 2; }, [](auto &) { return 3; });
    };

    EXPECT(number(msg) == 1);
    EXPECT(match(
               msg, [](const calc_add &) { return 1; }, [](calc_add &) { return 2; }, [](auto &) { return 3; })
           == 2);
}

int double_left(const calc_add &add)
{
    return static_cast<int>(2 * add.left);
}
int minus(calc_negate &negate)
{
    return static_cast<int>(-negate.value);
}

/* Counts its calls; neither copied nor moved. */
struct counter {
    counter() = default;
    counter(const counter &) = delete;
    counter &operator=(const counter &) = delete;
    void operator()(const calc_add &)
    {
        adds++;
    }
    template <class Rest> void operator()(const Rest &)
    {
        others++;
    }
    int adds = 0;
    int others = 0;
};

struct last final {
    int operator()(const calc_add &) const
    {
        return 1;
    }
    template <class Rest> int operator()(const Rest &) const
    {
        return 2;
    }
};

struct only_once {
    int operator()(const calc_add &) &&
    {
        return 7;
    }
};

void any_callable_is_a_visitor(calc_cpp::pool &pool)
{
    calc_cpp::handle add = make<calc_add>(pool, 3, 2);
    calc_cpp::handle negate = make<calc_negate>(pool, 5);
    counter count;
    auto owner = [kept = std::make_unique<int>(9)](const calc_add &) { return *kept; };
    int calls = 0;
    auto counting = [&calls, own = 0](const calc_add &) mutable {
        calls++;
        return ++own;
    };
    const auto rest = [](const auto &) { return 0; };

    match(add, count);
    match(negate, count);
    match(negate, count);
    EXPECT(count.adds == 1 && count.others == 2);
    EXPECT(match(add, double_left, &minus, rest) == 6);
    EXPECT(match(negate, double_left, &minus, rest) == -5);
    EXPECT(match(add, last()) == 1 && match(negate, last()) == 2);
    EXPECT(match(add, only_once(), rest) == 7 && match(negate, only_once(), rest) == 0);
    EXPECT(match(add, owner, rest) == 9 && match(add, std::move(owner), rest) == 9);
    EXPECT(match(add, counting, rest) == 1 && match(add, counting, rest) == 2 && calls == 2);
}

/* Some variants, and each only as const: an overload set beside single functions. */
struct some {
    int operator()(const calc_add &) const
    {
        return 1;
    }
    int operator()(const calc_negate &) const
    {
        return 2;
    }
};

void overload_sets_take_what_they_can(calc_cpp::pool &pool)
{
    calc_cpp::handle add = make<calc_add>(pool, 3, 2);
    calc_cpp::handle negate = make<calc_negate>(pool, 5);
    const calc_cpp::handle quit = make<calc_quit>(pool);
    const auto number = [](auto &msg) {
        return match(
            msg, some(), [](const calc_negate &) { return 3; }, [](const auto &) { return 4; });
    };

    EXPECT(number(add) == 1 && number(negate) == 3 && number(quit) == 4);
}

void results_are_what_functions_return(calc_cpp::pool &pool)
{
    calc_cpp::handle msg = make<calc_add>(pool, 3, 2);
    uint64_t other = 1;
    uint64_t &left = match(
        msg, [](calc_add &add) -> uint64_t & { return add.left; }, [&other](auto &) -> uint64_t & { return other; });
    const double number = match<double>(
        msg, [](const calc_add &) { return 2; }, [](const calc_negate &) { return 2.5F; },
        [](const auto &) { return 0.0; });
    const calc &whole = match<const calc &>(msg, [](const auto &variant) -> const calc & { return variant.base; });
    const std::unique_ptr<int> moved = match(msg, [](const auto &) { return std::make_unique<int>(4); });

    match<void>(
        msg, [](const calc_add &) { return 2; }, [](const auto &) {});
    left = 8;
    EXPECT(calc_as_add(msg.get())->left == 8 && number >= 2 && number <= 2 && &whole == msg.get() && *moved == 4);
}

void what_is_no_message_is_thrown()
{
#ifdef __cpp_exceptions
    const calc none{};
    const auto throws = [](const auto &function) {
        try {
            function();
        } catch (const std::bad_variant_access &) {
            return true;
        }
        return false;
    };
    const auto nothing = [](const auto &) {};

    EXPECT(throws([&] { match(calc_cpp::handle(), nothing); }));
    EXPECT(throws([&] { match(static_cast<const calc *>(nullptr), nothing); }));
    EXPECT(throws([&] { match(none, nothing); }));
    EXPECT(throws([&] { calc_cpp::get<calc_add>(none); }));
#endif
}

void types_and_tags_lead_to_each_other()
{
    static_assert(calc_cpp::tag_of<calc_negate> == CALC_NEGATE && calc_cpp::tag_of<int> == 0);
    static_assert(std::is_same_v<calc_cpp::variant_t<CALC_NEGATE>, calc_negate>);
    static_assert(calc_cpp::is_variant<calc_quit> && !calc_cpp::is_variant<calc>);
}

void get_if_is_that_variant_or_none(calc_cpp::pool &pool)
{
    calc_cpp::handle msg = make<calc_add>(pool, 1, 2);
    const calc_cpp::handle constant = make<calc_add>(pool, 1, 2);
    const calc_cpp::handle none;

    static_assert(std::is_same_v<decltype(calc_cpp::get_if<calc_add>(msg)), calc_add *>);
    static_assert(std::is_same_v<decltype(calc_cpp::get_if<calc_add>(constant)), const calc_add *>);
    calc_cpp::get_if<calc_add>(msg)->left = 7;
    EXPECT(calc_cpp::get_if<calc_add>(*msg)->left == 7 && calc_cpp::get<calc_add>(constant).right == 2);
    EXPECT(calc_cpp::get_if<calc_negate>(msg) == nullptr && calc_cpp::get_if<calc_add>(none) == nullptr);
}

} // namespace

int main()
{
    calc_cpp::pool pool;

    EXPECT(static_cast<bool>(pool));
    mutable_messages_are_changed(pool);
    const_messages_are_const(pool);
    a_function_of_its_own_goes_before_the_rest(pool);
    what_may_write_goes_before_what_reads(pool);
    any_callable_is_a_visitor(pool);
    overload_sets_take_what_they_can(pool);
    results_are_what_functions_return(pool);
    what_is_no_message_is_thrown();
    types_and_tags_lead_to_each_other();
    get_if_is_that_variant_or_none(pool);
    EXPECT(pool.fini() == 0);
    return failures != 0;
}
