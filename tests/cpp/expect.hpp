// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * For the C++ programs: counts what fails, and says where. No library, so that any compiler and setting can run them.
 */

#ifndef EXPECT_HPP_
#define EXPECT_HPP_

#include <cstdio>

inline int failures = 0;

#define EXPECT(condition) expect((condition) ? true : false, #condition, __FILE__, __LINE__)

inline void expect(bool holds, const char *condition, const char *file, int line)
{
    if (holds)
        return;
    failures++;
    std::printf("%s:%d: not true: %s\n", file, line, condition);
}

#endif /* EXPECT_HPP_ */
