# The toolchain file of cross builds: cmake -DMOLDAU_CROSS=aarch64 --toolchain cmake/cross.cmake
#
# Compilers are Debian's, gcc-<machine>-linux-gnu; libraries come with its foreign architectures
# (tools/packages.txt).  Programs, the schema compiler and the tests among them, run under
# qemu-user, so that nothing else of the build knows of it.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES MOLDAU_CROSS)
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${MOLDAU_CROSS})
set(CMAKE_C_COMPILER ${MOLDAU_CROSS}-linux-gnu-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE ${MOLDAU_CROSS}-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)

# A C library must find its own loader: that of the foreign architecture, if it is installed,
# else the compiler's.
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-${MOLDAU_CROSS})
if(NOT EXISTS /usr/lib/${MOLDAU_CROSS}-linux-gnu/libc.so.6)
    list(APPEND CMAKE_CROSSCOMPILING_EMULATOR -L /usr/${MOLDAU_CROSS}-linux-gnu)
endif()
