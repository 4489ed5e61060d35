# reference.sh FILE: what Doxygen gets to see of a header or a page; line numbers stay.
case $1 in
*.md)
    # Doxygen needs one name for each heading of all pages: `keys--remove-duplicates` for keys.md#remove-duplicates.
    page=$(basename "$1" .md)
    headings="/^##+ /{h; s/^#+ //; s/.*/\L&/; s/[^a-z0-9 _-]//g; s/ /-/g; s/.*/ {#$page--&}/; H; x; s/\n//}"
    links="s,\]\(#([^)]*)\),](#$page--\1),g; s,\]\(([^)# ]*/)?([A-Za-z_-]+)\.md#([^)]*)\),](#\2--\3),g"
    # It shows the marks of code in the text of a link, and the backslash of a bar in a table.
    code='s,\[`([^`]*)`\](\([^)]*\.md|\(#),[\1]\2,g; s,`\\\|`,<code>\&#124;</code>,g'
    sed -E -e "$headings" -e "$code" -e "$links" -f docs/reference.sed "$1"
    ;;
*)
    # After a clause, whose lines are indented, Doxygen does not see that lines with a larger indentation are code.
    awk '
        { is_code = /^ *\/\/\/     / }
        is_code && last ~ /^ *\/\/\/$/ { last = last " \\programcode"; is_open = 1 }
        is_open && !is_code { last = last " \\endcode"; is_open = 0 }
        NR > 1 { print last }
        { last = $0 }
        END { print last }' "$1" | sed -E -f docs/reference.sed
    ;;
esac
