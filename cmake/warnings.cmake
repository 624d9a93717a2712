# The warnings that every file of the project compiles clean under, with both compilers.
set(MOLDAU_WARNINGS
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes
    -Wmissing-prototypes -Wold-style-definition -Wpointer-arith -Wcast-qual -Wcast-align
    -Wwrite-strings -Wformat=2 -Wundef -Wvla -Wswitch-enum -Wimplicit-fallthrough
    -Wnull-dereference -Wdouble-promotion -Wdate-time)

if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    list(APPEND MOLDAU_WARNINGS
         -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wjump-misses-init -Walloca
         -Wstringop-overflow=4 -Wformat-overflow=2 -Wformat-truncation=2 -Wstack-usage=16384)
else()
    list(APPEND MOLDAU_WARNINGS
         -Wthread-safety -Wcomma -Wunreachable-code -Wconditional-uninitialized
         -Wno-string-conversion) # assert(!"what went wrong")
endif()

add_compile_options(${MOLDAU_WARNINGS} -Werror)

# Sanitizers, and code that is not optimised, make both compilers' null and truncation
# analyses guess wrongly.
if(MOLDAU_SANITIZE OR MOLDAU_COVERAGE)
    add_compile_options(-Wno-null-dereference -Wno-format-truncation -Wno-stringop-overflow
                        -Wno-stack-usage -Wno-unknown-warning-option)
endif()
