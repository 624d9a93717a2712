# libmoldau, as other people's programs link it: the objects of the floors that a broker is made of,
# with only moldau_* to be seen.
#
#     libmoldau.so   with the shared libraries of the codecs, where they are there
#     libmoldau.a    one object, in which every other name has been made local; whoever links it
#                    links the codecs too (moldau.pc: Libs.private)
set(MOLDAU_SOVERSION 0)
set(LIBRARY_FLOORS library broker coord control replica meta client store net os wire messages
                   base)

# --- shared ---
set(shared_codecs)
foreach(codec zstd lz4 snappy z)
    find_library(SHARED_${codec} NAMES lib${codec}.so ${codec} REQUIRED)
    mark_as_advanced(SHARED_${codec})
    list(APPEND shared_codecs ${SHARED_${codec}})
endforeach()
file(WRITE ${PROJECT_BINARY_DIR}/moldau.map "{ global: moldau_*; local: *; };\n")
file(WRITE ${PROJECT_BINARY_DIR}/nothing.c "typedef int nothing;\n")
set(floor_files)
foreach(floor IN LISTS LIBRARY_FLOORS)
    list(APPEND floor_files $<TARGET_FILE:${floor}>)
endforeach()
add_library(moldau_shared SHARED ${PROJECT_BINARY_DIR}/nothing.c)
add_dependencies(moldau_shared ${LIBRARY_FLOORS})
target_link_libraries(moldau_shared PRIVATE
    -Wl,--whole-archive $<TARGET_FILE:library> -Wl,--no-whole-archive
    -Wl,--start-group ${floor_files} -Wl,--end-group ${shared_codecs} Threads::Threads m)
target_link_options(moldau_shared PRIVATE -Wl,--version-script=${PROJECT_BINARY_DIR}/moldau.map
                                          -Wl,--no-undefined)
set_target_properties(moldau_shared PROPERTIES
    OUTPUT_NAME moldau SOVERSION ${MOLDAU_SOVERSION} VERSION ${PROJECT_VERSION}
    LINK_DEPENDS "${floor_files}" LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})

# --- static ---
add_custom_command(
    OUTPUT ${PROJECT_BINARY_DIR}/libmoldau.a
    COMMAND ${CMAKE_C_COMPILER} -r -nostdlib -o moldau.o
            -Wl,--whole-archive $<TARGET_FILE:library> -Wl,--no-whole-archive
            -Wl,--start-group ${floor_files} -Wl,--end-group
    COMMAND ${CMAKE_OBJCOPY} --localize-hidden moldau.o
    COMMAND ${CMAKE_COMMAND} -E rm -f libmoldau.a
    COMMAND ${CMAKE_AR} rcs libmoldau.a moldau.o
    DEPENDS ${LIBRARY_FLOORS} ${floor_files}
    WORKING_DIRECTORY ${PROJECT_BINARY_DIR}
    COMMENT "Linking C static library libmoldau.a"
    VERBATIM)
add_custom_target(moldau_static ALL DEPENDS ${PROJECT_BINARY_DIR}/libmoldau.a)
add_custom_target(libmoldau DEPENDS moldau_shared moldau_static)

include(GNUInstallDirs)
# The prefix is found from where the file lies, so that the tree can be installed anywhere.
file(RELATIVE_PATH PC_UP /x/${CMAKE_INSTALL_LIBDIR}/pkgconfig /x)
string(REGEX REPLACE "/$" "" PC_UP ${PC_UP})
configure_file(${PROJECT_SOURCE_DIR}/cmake/moldau.pc.in ${PROJECT_BINARY_DIR}/moldau.pc @ONLY)
install(TARGETS moldau_shared LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${PROJECT_BINARY_DIR}/libmoldau.a DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${PROJECT_SOURCE_DIR}/include/moldau.h DESTINATION include)
install(FILES ${PROJECT_BINARY_DIR}/moldau.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
