# What the presets choose between: how the same sources are compiled, never what they do.
#
#   MOLDAU_SANITIZE   "", "address,undefined" or "thread"
#   MOLDAU_FUZZ       ON builds the libFuzzer programs (clang only)
#   MOLDAU_COVERAGE   ON instruments for gcov
#   MOLDAU_MUTANT     name of one deliberate bug (src/base/mutant.h) that a test must catch
set(MOLDAU_SANITIZE "" CACHE STRING "sanitizers to build with")
set(MOLDAU_MUTANT "" CACHE STRING "deliberate bug to build in")
option(MOLDAU_FUZZ "build fuzz targets" OFF)
option(MOLDAU_COVERAGE "instrument for coverage" OFF)

# A compiler cache is used where there is one.
find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_C_COMPILER_LAUNCHER)
    set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()

add_compile_options(-g -fno-omit-frame-pointer -fno-strict-aliasing)
add_compile_definitions(_GNU_SOURCE)

if(MOLDAU_SANITIZE)
    add_compile_options(-O1 -fsanitize=${MOLDAU_SANITIZE} -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${MOLDAU_SANITIZE})
    add_compile_definitions(MOLDAU_SLOW_ASSERTS=1)
elseif(MOLDAU_COVERAGE)
    add_compile_options(-O0 --coverage)
    add_link_options(--coverage)
elseif(CMAKE_BUILD_TYPE STREQUAL "Debug")
    add_compile_options(-O0)
    add_compile_definitions(MOLDAU_SLOW_ASSERTS=1)
else()
    add_compile_options(-O2 -D_FORTIFY_SOURCE=3 -fstack-protector-strong
                        -fstack-clash-protection)
    if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
        add_compile_options(-fcf-protection)
    endif()
    add_link_options(-Wl,-z,relro,-z,now)
endif()

# Everything is instrumented; only the fuzz programs bring libFuzzer (cmake/fuzz.cmake).
if(MOLDAU_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()

if(MOLDAU_MUTANT)
    string(TOUPPER ${MOLDAU_MUTANT} mutant)
    add_compile_definitions(MUTANT=MUTANT_${mutant})
endif()
