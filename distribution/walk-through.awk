# Turns a page of documentation into a script that follows it: "sh" blocks are run; every other block must be the file
# named in the line above it, or a part of it if that line begins with "From". A block that is neither is an error.
/^(From )?`[^`]+`:$/ {
    part = /^From /
    file = $0
    sub(/^(From )?`/, "", file)
    sub(/`:$/, "", file)
    next
}
/^```/ && !inside {
    inside = 1
    kind = substr($0, 4)
    text = ""
    next
}
/^```/ {
    inside = 0
    blocks++
    if (kind == "sh") {
        printf "echo %s\n%s", "'$ ' \"$(head -1 <<'END_OF_BLOCK'\n" text "END_OF_BLOCK\n)\" >&2", text
    } else if (file != "") {
        printf "%s '%s' <<'END_OF_BLOCK'\n%sEND_OF_BLOCK\n", part ? "has_part" : "is_file", file, text
    } else {
        printf "the block that ends in line %d is no command and names no file\n", FNR > "/dev/stderr"
        exit 1
    }
    file = ""
    next
}
inside { text = text $0 "\n"; next }
NF { file = "" }
END {
    if (inside || blocks < 8) {
        print "the page has lost its blocks" > "/dev/stderr"
        exit 1
    }
}
