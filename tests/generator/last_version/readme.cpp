// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "calc.hpp"

int main()
{
calc_cpp::pool pool;
calc_cpp::handle msg = calc_cpp::make<calc_add>(pool, 5, 6);                // a std::unique_ptr that frees into the pool
uint64_t value = calc_cpp::match(msg,                                       // as std::visit: a forgotten variant does not compile
    [](const calc_add &add) { return add.left + add.right; },
    [](const auto &) { return uint64_t{ 0 }; });
return value == 11 ? 0 : 1;
}
