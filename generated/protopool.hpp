/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * protopool for C++17: what the C++ headers of all protocols share. A protocol's own header puts names and types on top.
 */

#ifndef PROTOPOOL_HPP_
#define PROTOPOOL_HPP_

#include "protopool.h"

#include <cstddef>
#include <exception>
#include <iterator>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant> /* std::bad_variant_access */
#if __cplusplus >= 202002L && defined __has_include
#if __has_include(<span>)
#include <span>
#endif
#endif

namespace protopool_cpp
{

/* ---- span ------------------------------------------------------------------------------------------------------- */

#ifdef __cpp_lib_span

using std::dynamic_extent;
using std::span;

#else

inline constexpr std::size_t dynamic_extent = SIZE_MAX;

/* Elements that lie elsewhere: the part of C++20's std::span that fields need. */
template <class T, std::size_t Extent = dynamic_extent> class span
{
    template <class Container> using data_of = decltype(std::data(std::declval<Container &>()));

  public:
    using element_type = T;
    using value_type = std::remove_cv_t<T>;
    using size_type = std::size_t;
    using pointer = T *;
    using reference = T &;
    using iterator = T *;

    template <std::size_t N = Extent, std::enable_if_t<N == dynamic_extent || N == 0, int> = 0>
    constexpr span() noexcept
    {
    }
    constexpr span(T *first, std::size_t count) noexcept : data_(first), size_(count)
    {
    }
    template <std::size_t N, std::enable_if_t<Extent == dynamic_extent || Extent == N, int> = 0>
    constexpr span(T (&array)[N]) noexcept : data_(array), size_(N)
    {
    }
    /* A std::vector, a std::array, another span: whatever has data() and size(). */
    template <
        class Container,
        std::enable_if_t<
            Extent == dynamic_extent
                && !std::is_array_v<std::remove_reference_t<
                    Container>> && !std::is_same_v<std::decay_t<Container>, span> && std::is_convertible_v<std::remove_pointer_t<data_of<Container>> (*)[], T (*)[]>,
            int> = 0>
    constexpr span(Container &&container) noexcept : data_(std::data(container)), size_(std::size(container))
    {
    }
    template <class Array,
              std::enable_if_t<Extent != dynamic_extent
                                   && !std::is_array_v<std::remove_reference_t<
                                       Array>> && std::tuple_size<std::decay_t<Array>>::value == Extent
                                   && std::is_convertible_v<std::remove_pointer_t<data_of<Array>> (*)[], T (*)[]>,
                               int> = 0>
    constexpr span(Array &&array) noexcept : data_(std::data(array)), size_(Extent)
    {
    }

    constexpr T *data() const noexcept
    {
        return data_;
    }
    constexpr std::size_t size() const noexcept
    {
        return size_;
    }
    constexpr bool empty() const noexcept
    {
        return size_ == 0;
    }
    constexpr T &operator[](std::size_t i) const noexcept
    {
        return data_[i];
    }
    constexpr T *begin() const noexcept
    {
        return data_;
    }
    constexpr T *end() const noexcept
    {
        return data_ + size_;
    }

  private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};

#endif

/* ---- texts ------------------------------------------------------------------------------------------------------ */

/* Texts of a message: a range of std::string_view. Each is terminated: its data() can be given to C. */
class texts
{
  public:
    class iterator;

    /* bytes: of offsets and texts. width: of an offset. */
    texts(const void *offsets, std::size_t width, std::size_t size, std::size_t bytes) noexcept
        : offsets_(offsets), width_(width), size_(size), bytes_(bytes)
    {
    }
    std::size_t size() const noexcept
    {
        return size_;
    }
    bool empty() const noexcept
    {
        return size_ == 0;
    }
    std::string_view operator[](std::size_t i) const noexcept
    {
        const std::size_t begin = protopool_offset(offsets_, width_, i);
        const std::size_t end = i + 1 < size_ ? protopool_offset(offsets_, width_, i + 1) : bytes_;
        return { static_cast<const char *>(offsets_) + begin, end - begin - 1 };
    }
    inline iterator begin() const noexcept;
    inline iterator end() const noexcept;

  private:
    const void *offsets_;
    std::size_t width_, size_, bytes_;
};

/* It is valid as long as the message is. */
class texts::iterator
{
  public:
    using iterator_category = std::input_iterator_tag; /* what it points to is a value */
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = std::string_view;

    iterator(const texts &of, std::size_t i) noexcept : of_(of), i_(i)
    {
    }
    std::string_view operator*() const noexcept
    {
        return of_[i_];
    }
    iterator &operator++() noexcept
    {
        ++i_;
        return *this;
    }
    iterator operator++(int) noexcept
    {
        const iterator before = *this;
        ++i_;
        return before;
    }
    friend bool operator==(const iterator &one, const iterator &other) noexcept
    {
        return one.i_ == other.i_;
    }
    friend bool operator!=(const iterator &one, const iterator &other) noexcept
    {
        return one.i_ != other.i_;
    }

  private:
    texts of_;
    std::size_t i_;
};

inline texts::iterator texts::begin() const noexcept
{
    return { *this, 0 };
}

inline texts::iterator texts::end() const noexcept
{
    return { *this, size_ };
}

/* ---- match ------------------------------------------------------------------------------------------------------ */

/* For match, if what it gets is no message. */
[[noreturn]] inline void throw_no_message()
{
#ifdef __cpp_exceptions
    throw std::bad_variant_access();
#else
    std::terminate();
#endif
}

template <class T> struct type_is {
    using type = T;
};

/* Several types as one. */
template <class...> struct types {
};

/* T, const if Like is. */
template <class Like, class T> using const_as = std::conditional_t<std::is_const_v<Like>, const T, T>;

/* A message as one of its variants. */
template <class Variant, class Message> Variant *cast(Message *msg) noexcept
{
    return static_cast<Variant *>(static_cast<const_as<Message, void> *>(msg));
}

/* Whether a function can be called with an lvalue of the type. */
template <class Function, class Argument, class = void> struct takes : std::false_type {
};
template <class Function, class Argument>
struct takes<Function, Argument, std::void_t<decltype(std::declval<Function>()(std::declval<Argument &>()))>>
    : std::true_type {
};

/* Whether it has just one list of parameters: a function, or an object that is neither generic nor overloaded. */
template <class Object, class = void> struct has_one_signature : std::is_function<std::remove_pointer_t<Object>> {
};
template <class Object> struct has_one_signature<Object, std::void_t<decltype(&Object::operator())>> : std::true_type {
};
template <class Function> using is_plain = has_one_signature<std::remove_cv_t<std::remove_reference_t<Function>>>;

/* Plain functions are asked first: asking a generic one instantiates its body. */
template <class Function, class Argument>
inline constexpr bool plainly_takes = std::conjunction_v<is_plain<Function>, takes<Function, Argument>>;
template <class Function, class Argument>
inline constexpr bool generically_takes =
    std::conjunction_v<std::negation<is_plain<Function>>, takes<Function, Argument>>;

inline constexpr std::size_t no_function = SIZE_MAX;
inline constexpr std::size_t several_functions = SIZE_MAX - 1;

constexpr std::size_t only(const bool *candidates, std::size_t count)
{
    std::size_t found = no_function;
    for (std::size_t i = 0; i < count; i++)
        if (candidates[i])
            found = found == no_function ? i : several_functions;
    return found;
}

template <class Argument, std::size_t I> constexpr std::size_t first_generic()
{
    return no_function;
}
template <class Argument, std::size_t I, class Function, class... Rest> constexpr std::size_t first_generic()
{
    if constexpr (generically_takes<Function, Argument>)
        return I;
    else
        return first_generic<Argument, I + 1, Rest...>();
}

/* Which of the functions gets a variant. A function for this variant alone comes before a generic one. A function that may
 * write to the message comes before one that may not. Of several generic functions, the first one gets it. */
template <class Argument, class... Functions> constexpr std::size_t find_function()
{
    const bool writing[] = { plainly_takes<Functions, Argument> && !plainly_takes<Functions, const Argument>...,
                             false };
    const bool reading[] = { plainly_takes<Functions, const Argument>..., false };
    if constexpr ((plainly_takes<Functions, Argument> || ...)) {
        const std::size_t found = only(writing, sizeof...(Functions));
        return found == no_function ? only(reading, sizeof...(Functions)) : found;
    } else {
        return first_generic<Argument, 0, Functions...>();
    }
}
template <class Argument, class... Functions>
inline constexpr std::size_t function_for = find_function<Argument, Functions...>();

template <std::size_t I, class Function, class... Rest>
constexpr decltype(auto) pick([[maybe_unused]] Function &&function, [[maybe_unused]] Rest &&...rest) noexcept
{
    if constexpr (I == 0)
        return std::forward<Function>(function);
    else
        return protopool_cpp::pick<I - 1>(std::forward<Rest>(rest)...);
}

/* Calls it, and returns just what it returns. */
template <class Argument, class... Functions>
constexpr decltype(auto) call_function(Argument &argument, Functions &&...functions)
{
    return protopool_cpp::pick<function_for<Argument, Functions...>>(std::forward<Functions>(functions)...)(argument);
}
template <class Argument, class... Functions>
using result_for = decltype(protopool_cpp::call_function(std::declval<Argument &>(), std::declval<Functions>()...));

/* As Result, which may be void. */
template <class Result, class Argument, class... Functions>
constexpr Result call(Argument &argument, Functions &&...functions)
{
    if constexpr (std::is_void_v<Result>)
        protopool_cpp::call_function(argument, std::forward<Functions>(functions)...);
    else
        return protopool_cpp::call_function(argument, std::forward<Functions>(functions)...);
}

/* Whether there is a function for the variant, or even several. */
template <class Argument, class... Functions>
inline constexpr bool has_function = function_for<Argument, Functions...> != no_function;

/* Whether a function takes some of the variants. A generic function counts as such without a test. */
template <class Function, class... Arguments>
inline constexpr bool takes_some = !is_plain<Function>::value || (plainly_takes<Function, Arguments> || ...);

/* Whether each variant has exactly one function, and each function takes a variant. */
template <class Message, class... Functions, class... Variants> constexpr bool fit(types<Variants...>)
{
    constexpr bool all = (has_function<const_as<Message, Variants>, Functions...> && ...);
    constexpr bool once = ((function_for<const_as<Message, Variants>, Functions...> != several_functions) && ...);
    constexpr bool used = (takes_some<Functions, const_as<Message, Variants>...> && ...);
    static_assert(once, "match: more than one function takes the same variant");
    static_assert(
        used,
        "match: a function takes no variant: that of a const message is const, and one with a tail is not copied");
    return all && once && used;
}

/* Whether all functions return the same type for their variants. */
template <class Message, class Result, class... Functions, class... Variants>
constexpr bool same_results(types<Variants...>)
{
    return (std::is_same_v<Result, result_for<const_as<Message, Variants>, Functions...>> && ...);
}

/* ---- receive ---------------------------------------------------------------------------------------------------- */

/* What became of received bytes. It is neither copied nor moved, because the refusal points into it: move msg out of it. */
template <class Handle> class received
{
    struct ::protopool_received result_;

  public:
    Handle msg; /* empty if there is none */

    /* receive: fills in the result, and returns the message. */
    template <class Receive> explicit received(Receive receive) noexcept : msg(receive(&result_))
    {
    }
    received(const received &) = delete;
    received &operator=(const received &) = delete;

    /* Whether the bytes begin with a message. */
    explicit operator bool() const noexcept
    {
        return result_.status == PROTOPOOL_RECEIVED;
    }
    enum ::protopool_receipt status() const noexcept
    {
        return result_.status;
    }
    /* The bytes of the message; 0 if there is none. */
    std::size_t used() const noexcept
    {
        return result_.used;
    }
    /* If the bytes are the beginning of a message: at least this many more are needed. Otherwise 0. */
    std::size_t missing() const noexcept
    {
        return result_.missing;
    }
    /* Why no message begins so; otherwise nullptr. */
    const struct ::protopool_refusal *refusal() const noexcept
    {
        return result_.status == PROTOPOOL_INVALID ? &result_.refusal : nullptr;
    }
};

/* ---- Arguments ---------------------------------------------------------------------------------------------------- */

/* An optional argument as the pointer that C takes. */
template <class T> const T *pointer_to(const std::optional<T> &argument) noexcept
{
    return argument ? &*argument : nullptr;
}

/* The same of a text of any length, which is there even if it is empty. */
inline const char *pointer_to(const std::optional<std::string_view> &argument) noexcept
{
    return !argument ? nullptr : argument->data() == nullptr ? "" : argument->data();
}

/* The same of a list. */
template <class T, std::size_t Extent>
const T *pointer_to(const std::optional<span<const T, Extent>> &argument) noexcept
{
    static const T empty{};
    return !argument ? nullptr : argument->size() == 0 ? &empty : argument->data();
}

} // namespace protopool_cpp

#endif /* PROTOPOOL_HPP_ */
