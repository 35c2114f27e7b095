# SPDX-License-Identifier: Apache-2.0 OR MIT
# find_package(protopool CONFIG) finds a checkout by this file, if its bin/ is in PATH.
include(${CMAKE_CURRENT_LIST_DIR}/../install/protopoolConfig.cmake)
