# fuzz_targets(<test program> <its source>)
#
# In a fuzz build, makes a libFuzzer program of a test program that has a FUZZ, and
# writes a line `suite.target program` to fuzz.txt for each FUZZ in it.  The target
# `fuzzers` builds them all.  In other builds nothing is to be done: there the
# harness runs the FUZZ bodies over random bytes and over test/fuzz/corpus.
if(MOLDAU_FUZZ)
    add_custom_target(fuzzers)
    file(WRITE ${PROJECT_BINARY_DIR}/fuzz.txt "")
endif()

function(fuzz_targets program source)
    if(NOT MOLDAU_FUZZ)
        return()
    endif()
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
    file(STRINGS ${source} lines REGEX "^FUZZ\\(")
    if(NOT lines)
        return()
    endif()
    set_target_properties(${program} PROPERTIES IS_FUZZER ON) # Its main() is libFuzzer's.
    target_link_options(${program} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzzers ${program})
    foreach(line IN LISTS lines)
        string(REGEX REPLACE "^FUZZ\\(([a-z0-9_]+), ([a-z0-9_]+)\\).*" "\\1.\\2" name ${line})
        file(RELATIVE_PATH path ${PROJECT_BINARY_DIR} ${CMAKE_CURRENT_BINARY_DIR}/${program})
        file(APPEND ${PROJECT_BINARY_DIR}/fuzz.txt "${name} ${path}\n")
    endforeach()
endfunction()
