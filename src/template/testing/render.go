// Renders templates with Go's own text/template: the measure of src/template. JSON cases on stdin, JSON answers on stdout.
package main

import (
	"encoding/json"
	"os"
	"strings"
	"text/template"
)

type testCase struct {
	Text string                 `json:"text"`
	Data map[string]interface{} `json:"data"`
}

type answer struct {
	Output string `json:"output"`
	Error  string `json:"error,omitempty"`
	// Whether it failed before it ran.
	Parsing bool `json:"parsing,omitempty"`
}

func render(each testCase) answer {
	parsed, err := template.New("t").Option("missingkey=error").Parse(each.Text)
	if err != nil {
		return answer{Error: err.Error(), Parsing: true}
	}
	var output strings.Builder
	if err := parsed.Execute(&output, each.Data); err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Output: output.String()}
}

func main() {
	var cases []testCase
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		panic(err)
	}
	answers := make([]answer, len(cases))
	for i, each := range cases {
		answers[i] = render(each)
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		panic(err)
	}
}
