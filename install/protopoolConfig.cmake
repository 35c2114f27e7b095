# SPDX-License-Identifier: Apache-2.0 OR MIT
#[[
find_package(protopool CONFIG), or add_subdirectory of a checkout, defines one function:

  protopool_generate(TARGET name SCHEMAS a.yaml... [CPP] [PYTHON] [WIRESHARK] [OUT_DIR folder] [CHECK level] [TESTS])

makes the library `name` of the engine and of the C of the schemas. Link with it: that also sets the include path.
SCHEMAS are relative to the current source folder. The library contains the engine: a program needs one for all its protocols.

  CPP              also emits NAME.hpp and protopool.hpp
  PYTHON           also emits NAME.py and protopool_runtime.py
  WIRESHARK        also emits NAME.lua, a dissector for Wireshark
  OUT_DIR folder   where the C goes, relative to the current binary folder. Default: name
  CHECK level      PROTOPOOL_CHECK of this library and of all that links with it: 0, 1, 2 or a generator expression
  TESTS            also makes the program NAME_check of each protocol, which tests the emitted code, and adds it to the tests
                   of the project. It needs libcheck and pkg-config: without them, it prints a warning and makes no tests

The variable PROTOPOOL_COMMAND names another generator: a program, with its first arguments.
]]

# The functions keep these policies; include() and find_package() do not pass them on to who calls.
cmake_policy(VERSION 3.20...3.25)

function(protopool_generate)
  cmake_parse_arguments(PARSE_ARGV 0 arg "CPP;PYTHON;WIRESHARK;TESTS" "TARGET;OUT_DIR;CHECK" "SCHEMAS")
  if(arg_UNPARSED_ARGUMENTS OR arg_KEYWORDS_MISSING_VALUES OR NOT arg_TARGET OR NOT arg_SCHEMAS)
    message(FATAL_ERROR "protopool_generate: write TARGET name SCHEMAS a.yaml... [CPP] [PYTHON] [WIRESHARK] [OUT_DIR folder] [CHECK level] [TESTS]")
  endif()
  if(DEFINED arg_CHECK AND NOT arg_CHECK MATCHES "^([012]|\\$<.*>)$")
    message(FATAL_ERROR "protopool_generate: CHECK is ${arg_CHECK}: write 0, 1, 2 or a generator expression")
  endif()
  get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  if(NOT "C" IN_LIST languages)
    message(FATAL_ERROR "protopool_generate: the emitted library is in C: add C to the languages of project()")
  endif()

  set(protopool ${PROTOPOOL_COMMAND})
  if(NOT protopool)
    get_filename_component(protopool "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../bin/protopool" ABSOLUTE)
    if(CMAKE_HOST_WIN32)
      find_package(Python3 REQUIRED COMPONENTS Interpreter)
      set(protopool "${Python3_EXECUTABLE}" "${protopool}")
    endif()
  endif()

  set(schemas)
  foreach(schema IN LISTS arg_SCHEMAS)
    get_filename_component(schema "${schema}" ABSOLUTE)
    list(APPEND schemas "${schema}")
  endforeach()
  if(NOT DEFINED arg_OUT_DIR)
    set(arg_OUT_DIR "${arg_TARGET}")
  endif()
  get_filename_component(out "${arg_OUT_DIR}" ABSOLUTE BASE_DIR "${CMAKE_CURRENT_BINARY_DIR}")
  set(command ${protopool} generate -o "${out}")
  if(arg_CPP)
    list(APPEND command --cpp)
  endif()
  if(arg_PYTHON)
    list(APPEND command --python)
  endif()
  if(arg_WIRESHARK)
    list(APPEND command --wireshark)
  endif()
  if(arg_TESTS)
    list(APPEND command --tests "${out}/tests")
  endif()

  # The names of the outputs follow from the schemas' protocols, so an edit of a schema configures again.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${schemas})
  execute_process(COMMAND ${command} --list-outputs -- ${schemas}
    OUTPUT_VARIABLE outputs OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "protopool_generate: the generator failed (${status}), see above: ${protopool}")
  endif()
  string(REPLACE "\n" ";" outputs "${outputs}")
  set(sources)
  set(suites)
  foreach(output IN LISTS outputs)
    get_filename_component(folder "${output}" DIRECTORY)
    if(folder STREQUAL "${out}/tests")
      list(APPEND suites "${output}")
    elseif(NOT output MATCHES "\\.py$")
      list(APPEND sources "${output}")
    endif()
  endforeach()

  # The generator does not touch an output whose text has not changed. So the stamp depends on the schemas, and what is
  # compiled on the outputs.
  set(stamp "${CMAKE_CURRENT_BINARY_DIR}/${arg_TARGET}.stamp")
  set(forget)
  if(CMAKE_GENERATOR MATCHES "Makefiles")
    # With make, CMake only adds to what it has read from the depfile. An import that is gone would run the generator in each build.
    set(forget COMMAND "${CMAKE_COMMAND}" -E rm -f
      "${CMAKE_CURRENT_BINARY_DIR}${CMAKE_FILES_DIRECTORY}/${arg_TARGET}_generate.dir/compiler_depend.internal")
  endif()
  add_custom_command(
    OUTPUT "${stamp}"
    BYPRODUCTS ${outputs}
    COMMAND ${command} -q --depfile "${stamp}.d" --target "${stamp}" -- ${schemas}
    COMMAND "${CMAKE_COMMAND}" -E touch "${stamp}"
    ${forget}
    DEPENDS ${schemas}
    DEPFILE "${stamp}.d"
    COMMENT "Generating the C of ${arg_TARGET}"
    VERBATIM)
  add_custom_target(${arg_TARGET}_generate DEPENDS "${stamp}")

  find_package(Threads QUIET)
  add_library(${arg_TARGET} STATIC ${sources})
  add_dependencies(${arg_TARGET} ${arg_TARGET}_generate)
  target_include_directories(${arg_TARGET} PUBLIC "$<BUILD_INTERFACE:${out}>")
  target_compile_features(${arg_TARGET} PRIVATE c_std_11)
  # By its flags: the target Threads::Threads may not exist where a program links with the library.
  target_link_libraries(${arg_TARGET} PUBLIC ${CMAKE_THREAD_LIBS_INIT})
  if(arg_CPP)
    target_compile_features(${arg_TARGET} INTERFACE cxx_std_17)
  endif()
  if(DEFINED arg_CHECK)
    target_compile_definitions(${arg_TARGET} PUBLIC "PROTOPOOL_CHECK=${arg_CHECK}")
  endif()
  if(suites)
    _protopool_add_tests(${arg_TARGET} ${suites})
  endif()
endfunction()

# A program and a test for each suite.
function(_protopool_add_tests library)
  find_package(PkgConfig QUIET)
  if(PKG_CONFIG_FOUND)
    pkg_check_modules(PROTOPOOL_LIBCHECK QUIET check)
  endif()
  if(NOT PROTOPOOL_LIBCHECK_FOUND)
    message(WARNING "protopool_generate: TESTS needs libcheck and pkg-config (Debian: check, pkg-config): the tests are left out")
    return()
  endif()
  foreach(suite IN LISTS ARGN)
    get_filename_component(name "${suite}" NAME_WE)
    add_executable(${name} "${suite}")
    add_dependencies(${name} ${library}_generate)
    target_include_directories(${name} PRIVATE ${PROTOPOOL_LIBCHECK_INCLUDE_DIRS})
    target_compile_options(${name} PRIVATE ${PROTOPOOL_LIBCHECK_CFLAGS_OTHER})
    target_link_libraries(${name} PRIVATE ${library} ${PROTOPOOL_LIBCHECK_LINK_LIBRARIES} ${PROTOPOOL_LIBCHECK_LDFLAGS_OTHER})
    target_compile_features(${name} PRIVATE c_std_11)
    add_test(NAME ${name} COMMAND ${name})
  endforeach()
endfunction()
