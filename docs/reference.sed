# What Doxygen gets to see of a header or a page; line numbers stay.

# `Shape: ...` and its like are paragraphs with a heading.
s,^( *///) (Shape|Threads|Blocks|Units|Returns|Errors|Cost|Source|Default): ,\1 \\clause{\2} ,
# Some members are public only because the library needs them so.
s,^( *)///( For the library),\1//\2,
# Programs write parallelpipe::Stage, whatever the version.
s,^namespace parallelpipe::inline v[0-9]+,namespace parallelpipe,
# Specialisations of templates of the standard library.
/^(inline constexpr bool|struct) std::/,/;$/s,.*,,
# Doxygen knows C++ in a page by one name only.
s,^( *)```(c\+\+|cpp fragment)$,\1```cpp,
s,See runnable for,See @ref runnable for,
