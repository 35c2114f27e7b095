# SPDX-License-Identifier: Apache-2.0 OR MIT
"""From schema names to C names, and which C names are taken. Knows the names of C, C++ and the C library."""

import re
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path

from ..diagnostics import Reporter, quoted
from ..model import Name
from .syntax import Word

LONGEST = 127                   # characters of a name, so that files can be named after a protocol on every system
SCHEMA_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,%d}\Z" % (LONGEST - 1))
VALUE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]{0,%d}\Z" % (LONGEST - 1))        # enum values may begin with a digit

_C = """auto break case char const continue default do double else enum extern float for goto if inline int long
    register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
    asm fortran typeof typeof_unqual nullptr constexpr"""
_CPP = """alignas alignof and and_eq bitand bitor bool catch char16_t char32_t char8_t class co_await co_return
    co_yield compl concept consteval constinit const_cast decltype delete dynamic_cast explicit export false friend
    mutable namespace new noexcept not not_eq operator or or_eq private protected public reinterpret_cast requires
    static_assert static_cast template this thread_local throw true try typeid typename using virtual wchar_t xor
    xor_eq"""
KEYWORDS = frozenset(_C.split()) | frozenset(_CPP.split())

# Names that a parameter of a constructor cannot have: variables of the C library (-Wshadow), and the
# functions that constructors call. The parameter gets an underscore; the member keeps the name.
_NOT_PARAMETERS = frozenset("""daylight environ optarg opterr optind optopt signgam timezone tzname
    memchr memcpy memset""".split())

# Names that a typedef cannot have, though a struct or a member can: functions of the C library and of POSIX, and locals of
# emitted functions.
_NOT_TYPEDEFS = frozenset("""aligned_alloc at_quick_exit call_once clock_getcpuclockid clock_getres clock_gettime
    clock_nanosleep clock_settime cnd_broadcast cnd_destroy cnd_init cnd_signal cnd_timedwait cnd_wait mtx_destroy
    mtx_init mtx_lock mtx_timedlock mtx_trylock mtx_unlock on_exit open_memstream open_wmemstream posix_fadvise
    posix_fallocate posix_memalign posix_openpt quick_exit rand_r secure_getenv thrd_create thrd_current thrd_detach
    thrd_equal thrd_exit thrd_join thrd_sleep thrd_yield timer_create timer_delete timer_getoverrun timer_gettime
    timer_settime timespec_get tss_create tss_delete tss_get tss_set""".split())
_LOCALS = frozenset("has_tails is_allocated is_first of_longest slot_class".split())

# Names that a protocol cannot have: its struct or its header would clash with one of the C library, or some file
# systems could not store its files.
_LIBRARY_STRUCTS = frozenset("""aiocb cmsghdr dirent fd_set flock group hostent iovec ipc_perm itimerspec itimerval
    lconv linger mq_attr msghdr option passwd pollfd protoent rlimit rusage sched_param servent sigaction sigevent
    sockaddr stat statvfs termios timespec timeval tm tms utimbuf utsname""".split())
_LIBRARY_HEADERS = frozenset("""aio alloca assert check complex cpio ctype dirent dlfcn elf endian errno fcntl fenv
    float fmtmsg fnmatch ftw getopt glob grp iconv inttypes iso646 langinfo libgen limits locale malloc math memory
    monetary mqueue netdb nl_types poll pthread pwd regex sched search semaphore setjmp signal spawn stdalign
    stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string strings syslog tar termios tgmath
    threads time uchar ulimit unistd utime utmpx wchar wctype wordexp""".split())
_DEVICES = re.compile(r"(?:aux|con|nul|prn|com[0-9]|lpt[0-9])\Z")

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@lru_cache(maxsize=None)
def snake(name: str) -> str:
    """AddOrder -> add_order, IPOQuoting -> ipo_quoting."""
    return _WORD_START.sub("_", name).lower()


def c_name(name: Word, given: Word | None) -> str:
    """The C name of a thing in the schema: the given one, or the schema's name in snake case."""
    return snake(name.text) if given is None else given.text


def checked_name(word: Word, given: Word | None, reporter: Reporter, pattern: re.Pattern = SCHEMA_NAME) -> Name:
    """The name of what the schema calls so, with its C name; given: its "c_name". A name that is not valid is reported."""
    if given is None and pattern is SCHEMA_NAME and (name := _plain(word.text)):
        return name
    for part in (word, given):
        if part is not None:
            _check(part, reporter, pattern)
    c = c_name(word, given)
    return Name(word.text, c, c if given is not None else member(c), c + "_len")


@lru_cache(maxsize=None)
def _plain(text: str) -> Name | None:
    """The name of what has no "c_name"; None if that is not valid. Many fields have the same."""
    if text.endswith("_") or not SCHEMA_NAME.match(text):
        return None
    c = snake(text)
    return Name(text, c, member(c), c + "_len")


def _check(word: Word, reporter: Reporter, pattern: re.Pattern) -> None:
    if not pattern.match(word.text):
        why, hint = f"begins with an ASCII letter{' or digit' if pattern is VALUE_NAME else ''}", "choose another name"
        if len(word.text) > LONGEST:
            why, hint = f"has at most {LONGEST} characters", "shorten it"
        elif pattern.match(plain := re.sub(r"\W", "_", word.text, flags=re.ASCII)):
            why = "has only ASCII letters, digits and underscores"
            hint = f"for example {plain.rstrip('_')}" if word.text.isascii() else hint
        reporter.error(word.place, f"{quoted(word.text)} is not a valid name: a name {why}", hint)
    elif word.text.endswith("_"):
        reporter.error(word.place, f'{quoted(word.text)} ends in "_": such names are reserved for the generator',
                       "remove the underscore at the end")


def parameter(name: Name, public: Collection[str]) -> str:
    """The constructors' parameter for a field: as its member, unless that would hide a name that they use: a public name of the
    protocol, or a name of the engine or the C library. Such a parameter ends in an underscore, which no field does."""
    if name.c in public or name.c.lower().startswith("protopool_"):
        return f"arg_{name.c}_"
    return name.c + "_" if name.c in _NOT_PARAMETERS else name.member


def member(c_name: str) -> str:
    """The name of a member: an underscore follows the C name if it cannot stand alone. Names that end so belong to the generator."""
    return c_name + "_" if c_name == "base" or why_taken(c_name) else c_name


@lru_cache(maxsize=None)
def library_names() -> frozenset[str]:
    lines = Path(__file__).with_name("reserved.txt").read_text(encoding="ascii").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


@lru_cache(maxsize=None)
def taken_names() -> frozenset[str]:
    """The C identifiers that cannot be emitted."""
    return KEYWORDS | library_names()


def why_taken(c_name: str) -> str:
    """Why a C identifier cannot be emitted; empty if it can."""
    if c_name in KEYWORDS:
        return "a keyword of C or C++"
    if c_name in library_names():
        return "a macro or a type of the C library"
    return ""


def why_no_typedef(c_name: str) -> str:
    """Why a typedef cannot have this C name, though other things could; empty if it can."""
    if c_name in _NOT_TYPEDEFS:
        return "a function of the C library"
    return "a local variable of the generator's functions" if c_name in _LOCALS else ""


def why_no_protocol(c_name: str) -> str:
    """Why a protocol cannot have this C name, though other things could; empty if it can."""
    folded = c_name.lower()
    if folded == "protopool" or folded.startswith("protopool_"):
        return 'names that begin with "protopool" belong to the engine'
    if folded in _LIBRARY_HEADERS:
        return f'"{c_name}.h" would hide a header of the C library or of Check'
    if _DEVICES.match(folded):
        return f'"{c_name}.h" is a device on Windows'
    if c_name == "std":
        return "it is a namespace of C++"
    if c_name in _LIBRARY_STRUCTS:
        return f'"struct {c_name}" belongs to the C library'
    return ""
