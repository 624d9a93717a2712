# wire_messages(<output variable> SCHEMAS <schema/...msg>...)
#
# Has tools/msgc compile the schemas into build/gen/wire/msg, and lists the C files
# that come out.  Nothing of it is committed.
function(wire_messages result)
    cmake_parse_arguments(arg "" "" "SCHEMAS" ${ARGN})
    set(out ${PROJECT_BINARY_DIR}/gen/wire)
    set(paths)
    set(sources ${out}/msg/all.c)
    set(headers ${out}/msg/all.h)

    foreach(schema IN LISTS arg_SCHEMAS)
        list(APPEND paths ${PROJECT_SOURCE_DIR}/schema/${schema}.msg)
        get_filename_component(name ${schema} NAME)
        list(APPEND sources ${out}/msg/${name}.c)
        list(APPEND headers ${out}/msg/${name}.h)
    endforeach()

    file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/gen)
    add_custom_command(
        OUTPUT ${sources} ${headers}
        COMMAND msgc ${out} ${paths}
        DEPENDS msgc ${paths}
        COMMENT "Compiling the schemas of the protocol"
        VERBATIM)
    set(${result} ${sources} PARENT_SCOPE)
endfunction()
