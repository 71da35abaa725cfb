# cpp_literal(OUT TEXT_VARIABLE)
#
# Sets OUT to C++ string literals that spell the text of the named variable byte for byte.
# Raw literals keep the SQL readable in the generated file; a text over 8 KB becomes several
# adjacent literals, cut at line ends, since compilers need not take longer ones.
#
# Text is always handed over by variable name and expanded inside quotes: unquoted, CMake
# would split it at semicolons and mind its brackets.
function(cpp_literal out text_variable)
    set(text "${${text_variable}}")
    string(FIND "${text}" ")jr_sql\"" clash)
    if(NOT clash EQUAL -1)
        message(FATAL_ERROR "the text holds the end mark of the literal: )jr_sql\"")
    endif()

    set(piece_max 8000)
    set(result "")
    string(LENGTH "${text}" left)
    while(left GREATER piece_max)
        string(SUBSTRING "${text}" 0 ${piece_max} piece)
        string(FIND "${piece}" "\n" cut REVERSE)
        if(cut EQUAL -1)
            message(FATAL_ERROR "a line is longer than ${piece_max} bytes")
        endif()
        math(EXPR cut "${cut} + 1")
        string(SUBSTRING "${text}" 0 ${cut} piece)
        string(SUBSTRING "${text}" ${cut} -1 text)
        string(LENGTH "${text}" left)
        string(APPEND result "R\"jr_sql(" "${piece}" ")jr_sql\"\n    ")
    endwhile()
    string(APPEND result "R\"jr_sql(" "${text}" ")jr_sql\"")
    set(${out} "${result}" PARENT_SCOPE)
endfunction()

# write_if_different(FILE TEXT_VARIABLE): leaves an equal file alone, so that what depends on
# it is not built again.
function(write_if_different file text_variable)
    set(present "")
    if(EXISTS "${file}")
        file(READ "${file}" present)
    endif()
    if(NOT present STREQUAL "${${text_variable}}")
        file(WRITE "${file}" "${${text_variable}}")
    endif()
endfunction()
