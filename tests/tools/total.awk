# SPDX-License-Identifier: Apache-2.0 OR MIT
# One line for a log of test runs: what Check's suites and Python's unittest have counted, added up.

match($0, /Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+/) {
    split(substr($0, RSTART, RLENGTH), word, /[ ,]+/)
    passed += word[2] - word[4] - word[6]
    failed += word[4] + word[6]
}
/^Ran [0-9]+ tests? in / { ran = $2 }
/^OK( \(|$)/ && ran {
    passed += ran - count("skipped")
    ran = 0
}
/^FAILED \(/ && ran {
    bad = count("failures") + count("errors")
    passed += ran - bad - count("skipped")
    failed += bad
    ran = 0
}
END { printf "%d passed, %d failed\n", passed, failed }

function count(what) {
    return match($0, what "=[0-9]+") ? substr($0, RSTART + length(what) + 1, RLENGTH - length(what) - 1) : 0
}
