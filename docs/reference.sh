# reference.sh FILE: what Doxygen gets to see of a header or a page; line numbers stay.
# Doxygen needs one name for each heading of all pages: `keys--remove-duplicates` for keys.md#remove-duplicates.
case $1 in
*.md)
    page=$(basename "$1" .md)
    headings="/^##+ /{h; s/^#+ //; s/.*/\L&/; s/[^a-z0-9 _-]//g; s/ /-/g; s/.*/ {#$page--&}/; H; x; s/\n//}"
    links="s,\]\(#([^)]*)\),](#$page--\1),g; s,\]\(([^)# ]*/)?([A-Za-z_-]+)\.md#([^)]*)\),](#\2--\3),g"
    ;;
esac
sed -E -e "$headings" -e "$links" -f docs/reference.sed "$1"
