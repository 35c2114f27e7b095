# SPDX-License-Identifier: Apache-2.0 OR MIT
# The version of a checkout, with the rules of the installed package.
file(STRINGS "${CMAKE_CURRENT_LIST_DIR}/../gen/__init__.py" protopool_version REGEX "^__version__")
string(REGEX REPLACE ".*\"(.*)\"" "\\1" protopool_version "${protopool_version}")
file(READ "${CMAKE_CURRENT_LIST_DIR}/../install/protopoolConfigVersion.cmake.in" protopool_rules)
string(REPLACE "@version@" "${protopool_version}" protopool_rules "${protopool_rules}")
cmake_language(EVAL CODE "${protopool_rules}")
