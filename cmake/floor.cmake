# floor(<name> ON <lower floors> FILES <module>... [HEADERS <module>...] [LIBS <library>...]
#       [TESTS <name>...] [TEST_LIBS <library>...])
#
# One folder under src/ is one floor is one static library.  For every module `m`
# it compiles m.c and, where m_test.c stands beside it, a test program
# `test_<floor>_<m>` that links the floor and what the floor declares, no more: a
# call upwards is an unresolved symbol.  HEADERS are modules of a header alone: they have
# nothing to compile but their test.  TESTS are tests, <name>_test.c, of several modules
# together; TEST_LIBS are what all tests link besides.
function(floor name)
    cmake_parse_arguments(arg "" "" "ON;FILES;HEADERS;LIBS;TESTS;TEST_LIBS" ${ARGN})

    list(TRANSFORM arg_FILES APPEND ".c" OUTPUT_VARIABLE sources)
    add_library(${name} STATIC ${sources})
    target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/src
                                              ${PROJECT_BINARY_DIR}/gen)
    target_link_libraries(${name} PUBLIC ${arg_ON} ${arg_LIBS})
    # A floor may become a part of libmoldau, which shows its callers moldau_* alone.
    set_target_properties(${name} PROPERTIES C_VISIBILITY_PRESET hidden
                                             POSITION_INDEPENDENT_CODE ON)

    # A test that is added makes CMake look again.
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR})
    foreach(module IN LISTS arg_FILES arg_HEADERS arg_TESTS)
        if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${module}_test.c)
            unit_test(${name} ${module} ${arg_TEST_LIBS})
        endif()
    endforeach()

    # The declared floors are what tools/tidy holds the #includes to.
    file(APPEND ${PROJECT_BINARY_DIR}/floors.txt "${name}: ${arg_ON}\n")
endfunction()

# The test program of one module, registered as `<floor>.<module>`; `tests_<floor>` builds
# all of a floor.
function(unit_test floor module)
    set(target test_${floor}_${module})
    add_executable(${target} ${module}_test.c)
    target_link_libraries(${target} PRIVATE harness ${ARGN} ${floor})
    if(NOT TARGET tests_${floor})
        add_custom_target(tests_${floor})
    endif()
    add_dependencies(tests_${floor} ${target})
    fuzz_targets(${target} ${CMAKE_CURRENT_SOURCE_DIR}/${module}_test.c)
    add_test(NAME ${floor}.${module}
             COMMAND ${target} --corpus=${PROJECT_SOURCE_DIR}/test/fuzz/corpus)
    set_tests_properties(${floor}.${module} PROPERTIES LABELS "unit;${floor}" TIMEOUT 120)
endfunction()
