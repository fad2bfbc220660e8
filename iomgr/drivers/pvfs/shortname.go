package pvfs

import (
	"hash/fnv"
	"strconv"
	"strings"

	"lwio/iomgr/nt"
)

// shortName makes the 8.3 name of a file: its own name if it is one, else six characters that tell it from others, `~`, one more and the
// beginning of the extension. It is made of the name alone, so that it needs no place on the disk and stays what it is as long as the name does.
func shortName(name string) string {
	up := nt.Upcase(name)
	if isShortName(up) {
		return up
	}
	base, ext := up, ""
	if i := strings.LastIndexByte(up, '.'); i > 0 {
		base, ext = up[:i], up[i+1:]
	}
	clean := func(s string, n int) string {
		var b strings.Builder
		for i := 0; i < len(s) && b.Len() < n; i++ {
			if shortChar(s[i]) && s[i] != '~' {
				b.WriteByte(s[i])
			}
		}
		return b.String()
	}
	h := fnv.New32a()
	h.Write([]byte(up))
	sum := strings.ToUpper(strconv.FormatUint(uint64(h.Sum32()), 36))
	sum = strings.Repeat("0", max(7-len(sum), 0)) + sum
	out := clean(base, 1) + sum[len(sum)-6:]
	out = out[:min(len(out), 6)] + "~" + sum[:1]
	if ext = clean(ext, 3); ext != "" {
		out += "." + ext
	}
	return out
}

// shortChar is what 8.3 names are made of (MS-FSCC 2.1.5.2.1), of ASCII.
func shortChar(c byte) bool {
	return c > 0x20 && c < 0x7F && strings.IndexByte(`."*/:<>?\|+,;=[]`, c) < 0
}

// isShortName reports whether a name in upper case is an 8.3 name.
func isShortName(name string) bool {
	base, ext, dot := strings.Cut(name, ".")
	if base == "" || len(base) > 8 || len(ext) > 3 || dot && ext == "" {
		return false
	}
	for _, part := range [...]string{base, ext} {
		for i := 0; i < len(part); i++ {
			if !shortChar(part[i]) {
				return false
			}
		}
	}
	return true
}
