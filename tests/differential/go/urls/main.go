// Go's net/url: a JSON string a line in, its normal forms out.
package main

import (
	"bufio"
	"encoding/json"
	"net/url"
	"os"
)

// forms are the readings that a server could go by; none where the parser refuses.
func forms(text string) []string {
	found := []string{}
	parsed, err := url.Parse(text)
	if err != nil {
		return found
	}
	found = append(found, parsed.String())
	if parsed.Opaque == "" {
		// Resolved against itself: dots are gone.
		found = append(found, parsed.ResolveReference(&url.URL{Path: parsed.Path, RawPath: parsed.RawPath, RawQuery: parsed.RawQuery}).String())
	}
	return found
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for in.Scan() {
		var text string
		if err := json.Unmarshal(in.Bytes(), &text); err != nil {
			panic(err)
		}
		line, err := json.Marshal(forms(text))
		if err != nil {
			panic(err)
		}
		out.Write(append(line, '\n'))
	}
	if err := in.Err(); err != nil {
		panic(err)
	}
}
