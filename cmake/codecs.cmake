# The libraries of the four codecs of record batches: CODEC_LIBRARIES.
#
# The archive is preferred to the shared object: a program that loads none of them, nor the
# C++ library that snappy is written for, starts as fast as one without codecs.
set(CODEC_LIBRARIES)
foreach(codec zstd lz4 snappy z)
    find_library(CODEC_${codec} NAMES lib${codec}.a ${codec} REQUIRED)
    mark_as_advanced(CODEC_${codec})
    list(APPEND CODEC_LIBRARIES ${CODEC_${codec}})
endforeach()
if(CODEC_snappy MATCHES "\\.a$")
    list(APPEND CODEC_LIBRARIES -l:libstdc++.a -static-libgcc m)
endif()
