# cmake -D NM=... -D LIBRARY=<a shared library> -P hidden_state.cmake
#
# Checks that each variable of the library exists once per process, except those that each shared library may own.

cmake_minimum_required(VERSION 3.21)

set(own
    "asymmetric_fences\\(\\)::available" # the same answer in each library
    "core_contention::is_crowded\\(\\)::cores" # a number of the machine
    "detail::kind_of<" "detail::item_type_of<" # constants that the linker relocates
    "sleeper::of_this_thread\\(\\)::mine") # a thread sleeps in one place at a time, and is woken through a pointer
list(JOIN own "|" own)

execute_process(COMMAND ${NM} -C ${LIBRARY} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL " [uA-Z] parallelpipe::[^\n]*" shared "${symbols}")
if(NOT shared MATCHES "current_worker")
  message(FATAL_ERROR "${NM} does not show what ${LIBRARY} shares: '${shared}'")
endif()
string(REGEX MATCHALL " [bd] (guard variable for )?parallelpipe::[^\n]*" hidden "${symbols}")
list(FILTER hidden EXCLUDE REGEX "${own}")
if(hidden)
  list(JOIN hidden "\n " hidden)
  message(FATAL_ERROR "Each library has its own of\n ${hidden}\nDeclare it PARALLELPIPE_VISIBLE, or say here why not.")
endif()
