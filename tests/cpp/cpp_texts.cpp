// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Lists of texts in C++: what make takes for them, and their views. Those of Names have any length, with offsets of 4 bytes; those of
 * Roll have a bound, with offsets of 1 and 2 bytes.
 */

#include "parcel.hpp"

#include "expect.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <string>
#include <type_traits>
#include <vector>

namespace
{

using parcel_cpp::get;
using parcel_cpp::make;
using pointers = std::vector<const char *>;
using strings = std::vector<std::string>;

constexpr std::array<uint8_t, 3> before = { 1, 2, 3 };
constexpr std::array<uint64_t, 2> numbers = { UINT64_C(1) << 40, 7 };

template <class View> strings copied(const View &view)
{
    return strings(view.begin(), view.end());
}

/* Whether it has these texts, by index and by iteration, each terminated for C. */
template <class View> bool has(const View &view, const strings &wanted)
{
    bool is_good = view.size() == wanted.size() && view.empty() == wanted.empty() && copied(view) == wanted
                   && std::distance(view.begin(), view.end()) == static_cast<std::ptrdiff_t>(wanted.size());
    for (std::size_t i = 0; is_good && i < wanted.size(); i++)
        is_good = view[i] == wanted[i] && view[i].data()[view[i].size()] == '\0'
                  && std::strlen(view[i].data()) == wanted[i].size();
    return is_good;
}

void texts_of_any_length(parcel_cpp::pool &pool)
{
    const std::string longest(70000, 'x');
    const pointers given = { "one", "", longest.c_str(), "four" };
    const auto msg = make<parcel_names>(pool, given, uint16_t{ 9 });
    const auto copy = make<parcel_names>(pool, get<parcel_names>(msg), pointers{ "", "" });
    const auto empty = make<parcel_names>(pool, pointers(), uint16_t{ 9 });

    EXPECT(has(parcel_cpp::names_view(get<parcel_names>(msg)), { "one", "", longest, "four" }));
    EXPECT(has(parcel_cpp::names_view(get<parcel_names>(copy)), { "", "" }));
    EXPECT(get<parcel_names>(copy).code == 9);
    EXPECT(has(parcel_cpp::names_view(get<parcel_names>(empty)), {}));
}

void texts_with_a_bound(parcel_cpp::pool &pool)
{
    const pointers few = { "tenletters", "", "b" };
    const pointers many(100, "forty letters are the most that it takes");
    const auto msg = make<parcel_roll>(pool, before, few, many, numbers);
    const auto absent = make<parcel_roll>(pool, before, few, std::nullopt, numbers);
    const auto empty = make<parcel_roll>(pool, before, pointers(), pointers(), numbers);
    const parcel_roll &roll = get<parcel_roll>(msg);

    EXPECT(has(parcel_cpp::short_view(roll), { "tenletters", "", "b" }));
    EXPECT(has(parcel_cpp::names_view(roll).value(), strings(100, many[0])));
    EXPECT(parcel_cpp::before_view(roll)[2] == 3 && parcel_cpp::numbers_view(roll)[0] == UINT64_C(1) << 40);
    EXPECT(has(parcel_cpp::short_view(get<parcel_roll>(absent)), { "tenletters", "", "b" }));
    EXPECT(!parcel_cpp::names_view(get<parcel_roll>(absent)));
    EXPECT(parcel_cpp::numbers_view(get<parcel_roll>(absent))[1] == 7);
    EXPECT(has(parcel_cpp::short_view(get<parcel_roll>(empty)), {}));
    EXPECT(has(parcel_cpp::names_view(get<parcel_roll>(empty)).value(), {}));
}

void texts_that_are_too_many_or_too_long_are_refused(parcel_cpp::pool &pool)
{
    const pointers few = { "a" };

    EXPECT(make<parcel_roll>(pool, before, pointers(8, "tenletters"), std::nullopt, numbers));
    EXPECT(!make<parcel_roll>(pool, before, pointers(9, "a"), std::nullopt, numbers));
    EXPECT(!make<parcel_roll>(pool, before, pointers{ "elevenchars" }, std::nullopt, numbers));
    EXPECT(make<parcel_roll>(pool, before, few, pointers(100, "b"), numbers));
    EXPECT(!make<parcel_roll>(pool, before, few, pointers(101, "b"), numbers));
}

void an_iterator_is_one_of_the_standard_library(parcel_cpp::pool &pool)
{
    const auto msg = make<parcel_names>(pool, pointers{ "b", "c", "a" }, uint16_t{ 1 });
    const protopool_cpp::texts view = parcel_cpp::names_view(get<parcel_names>(msg));
    auto at = view.begin();

    static_assert(std::is_same_v<std::iterator_traits<decltype(at)>::value_type, std::string_view>);
    static_assert(std::is_same_v<decltype(view[0]), std::string_view>);
    EXPECT(*at++ == "b" && *at == "c" && *++at == "a" && ++at == view.end() && at != view.begin());
    EXPECT(std::count(view.begin(), view.end(), "a") == 1 && *std::max_element(view.begin(), view.end()) == "c");
}

} // namespace

int main()
{
    parcel_cpp::pool pool;

    EXPECT(static_cast<bool>(pool));
    texts_of_any_length(pool);
    texts_with_a_bound(pool);
    texts_that_are_too_many_or_too_long_are_refused(pool);
    an_iterator_is_one_of_the_standard_library(pool);
    EXPECT(pool.fini() == 0);
    return failures != 0;
}
