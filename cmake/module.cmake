# module(<name> FILES <file>... [BASE <module of src/base>...] LIBS <library>...)
#
# A shared object that the program loads when its configuration first asks for it
# (src/os/module.h): build/lib/moldau/<name>.so, installed below lib/moldau/.  It links the
# libraries that are to cost a start nothing where they are not used, and nothing of the
# program; BASE are files of floor 0 that it has a copy of.
function(module name)
    cmake_parse_arguments(arg "" "" "FILES;BASE;LIBS" ${ARGN})

    list(TRANSFORM arg_FILES APPEND ".c")
    list(TRANSFORM arg_BASE PREPEND ${PROJECT_SOURCE_DIR}/src/base/)
    list(TRANSFORM arg_BASE APPEND ".c")
    add_library(module_${name} MODULE ${arg_FILES} ${arg_BASE})
    target_include_directories(module_${name} PRIVATE ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(module_${name} PRIVATE ${arg_LIBS} Threads::Threads)
    set_target_properties(module_${name} PROPERTIES
        PREFIX "" OUTPUT_NAME ${name} C_VISIBILITY_PRESET hidden
        LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib/moldau)
    install(TARGETS module_${name} LIBRARY DESTINATION lib/moldau)

    # Whoever builds the program has its modules.
    add_dependencies(moldau module_${name})
endfunction()
