// SPDX-License-Identifier: Apache-2.0 OR MIT
/* std::unique_ptr of a std::variant: every message takes as much as the largest, and long texts a block of their own. */

#include "turn.h"

#include <array>
#include <memory>
#include <string>
#include <variant>

namespace
{

struct add {
    std::uint64_t left, right;
};
struct negate {
    std::int64_t value;
};
enum class operation : unsigned char { add = 1, subtract, multiply, divide };
struct apply {
    enum operation operation;
    double left, right;
};
struct sum {
    unsigned char count;
    std::array<std::int32_t, 12> operands;
};
struct store {
    std::string name;
    double value;
};
struct recall {
    std::string name;
};
struct log {
    std::uint64_t time;
    std::string text;
};
struct quit {
};

using message = std::variant<add, negate, apply, sum, store, recall, log, quit>;

struct reader {
    std::uint64_t operator()(const add &m) const
    {
        return m.left + m.right;
    }
    std::uint64_t operator()(const negate &m) const
    {
        return static_cast<std::uint64_t>(m.value);
    }
    std::uint64_t operator()(const apply &m) const
    {
        return static_cast<std::uint64_t>(m.left * m.right);
    }
    std::uint64_t operator()(const sum &m) const
    {
        return static_cast<std::uint64_t>(m.operands[m.count - 1U]);
    }
    std::uint64_t operator()(const store &m) const
    {
        return static_cast<std::uint64_t>(m.value) + static_cast<unsigned char>(m.name[0]);
    }
    std::uint64_t operator()(const recall &m) const
    {
        return static_cast<unsigned char>(m.name[0]);
    }
    std::uint64_t operator()(const log &m) const
    {
        return m.time + static_cast<unsigned char>(m.text[0]);
    }
    std::uint64_t operator()(const quit &) const
    {
        return 1;
    }
};

std::unique_ptr<message> new_message(enum kind kind, std::uint64_t i)
{
    const std::array<std::int32_t, 12> operands = { 1, 2, 3, 4, 5, 6, 7, 8 };

    switch (kind) {
    case ADD:
        return std::make_unique<message>(add{ i, i + 1 });
    case NEGATE:
        return std::make_unique<message>(negate{ static_cast<std::int64_t>(i) });
    case APPLY:
        return std::make_unique<message>(apply{ operation::multiply, static_cast<double>(i), 2 });
    case SUM:
        return std::make_unique<message>(sum{ OPERANDS, operands });
    case STORE:
        return std::make_unique<message>(store{ NAME, static_cast<double>(i) });
    case RECALL:
        return std::make_unique<message>(recall{ NAME });
    case LOG:
        return std::make_unique<message>(log{ i, TEXT });
    case QUIT:
        return std::make_unique<message>(quit{});
    }
    return nullptr;
}

} // namespace

void begin(int)
{
}

void *make(enum kind kind, std::uint64_t i)
{
    return new_message(kind, i).release();
}

std::uint64_t read_message(const void *msg)
{
    return std::visit(reader{}, *static_cast<const message *>(msg));
}

void release(void *msg)
{
    std::unique_ptr<message>{ static_cast<message *>(msg) }.reset();
}

const char *mistake(const char *which)
{
    const std::string mistake = which;
    std::unique_ptr<message> msg = new_message(STORE, 1);

    if (mistake == "long text")
        std::get<store>(*msg).name = LONG_NAME; /* has room for it */
    if (mistake == "wrong number")
        *msg = apply{ static_cast<enum operation>(WRONG_OPERATION), 1, 2 };
    if (mistake == "wrong variant")
        return std::get_if<add>(msg.get()) == nullptr ? "refused" : "not found";
    if (mistake == "double free" || mistake == "leak")
        msg.reset(); /* it is freed once, whatever the program does, unless it calls release */
    return mistake == "long text" || mistake == "wrong number" ? "not found" : "not possible";
}
