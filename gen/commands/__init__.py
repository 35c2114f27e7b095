# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The commands of protopool: a module for each, of the command's name.

A module has:
    SUMMARY                 one line, for the list of commands
    EXAMPLES                lines of the shell, with which the help begins
    EPILOG                  optional: the end of the help; with its own line "Exit status:" if it is special
    add_arguments(parser)   the command's own arguments; every command also has -h and --format
    run(options) -> int     does the work and returns the exit status: 0 success, 1 a schema is wrong, or something was found

run may raise SchemaError (status 1) and OSError (status 2): gen/cli.py prints them. run prints other diagnostics itself:
report.show(diagnostics, options.format). What only one command needs, such as a library, is imported in its run.
"""

# In the order of the help.
NAMES = ("init", "import", "generate", "plan", "doc", "breaking", "lint", "fmt", "check", "bench")
