// Package runyard has the helpers of a program that runs as an event. What each does: docs/helpers.md; how they ask:
// PROTOCOL.md. Nothing but the standard library, Go 1.18 and later.
package runyard

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
)

const (
	jsonType   = "application/json"
	binaryType = "application/octet-stream"
)

// Object is the input of a channel's action.
type Object map[string]any

// Input reads the input into v: JSON into anything, text into a *string, bytes into a *[]byte. False: there is none.
func Input(v any) (bool, error) {
	stream, contentType, err := InputStream()
	if err != nil || stream == nil {
		return false, err
	}
	defer stream.Close()
	data, err := io.ReadAll(stream)
	if err != nil {
		return false, err
	}
	if raw, ok := v.(*[]byte); ok {
		*raw = data
		return true, nil
	}
	if text, ok := v.(*string); ok && strings.HasPrefix(contentType, "text/") {
		*text = string(data)
		return true, nil
	}
	return true, json.Unmarshal(data, v)
}

// InputStream gives the input's bytes, which the caller closes, and their content type; nil when there is none.
func InputStream() (io.ReadCloser, string, error) {
	response, err := ask("GET", "/v1/input", nil, nil)
	if err != nil {
		return nil, "", err
	}
	if response.StatusCode == http.StatusNoContent {
		return nil, "", response.Body.Close()
	}
	return response.Body, response.Header.Get("Content-Type"), nil
}

// InputFile writes the input to path. False: there is none, and no file was made.
func InputFile(path string) (bool, error) {
	stream, _, err := InputStream()
	if err != nil || stream == nil {
		return false, err
	}
	defer stream.Close()
	file, err := os.Create(path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	if _, err = io.Copy(file, stream); err != nil {
		return false, err
	}
	return true, file.Close()
}

// Output gives v to whatever runs next: []byte as it is, all else as JSON.
func Output(v any) error {
	if raw, ok := v.([]byte); ok {
		return OutputBytes(raw, binaryType)
	}
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return OutputBytes(data, jsonType)
}

// OutputBytes is Output with a content type.
func OutputBytes(data []byte, contentType string) error {
	return put(contentType, int64(len(data)), fixed(data))
}

// OutputStream sends what source gives until its end. It can be sent only once: a cut is told, not tried again.
func OutputStream(source io.Reader, contentType string) error {
	// That somebody is there is asked first.
	if err := call("GET", "/v1/health", nil, nil, false); err != nil {
		return err
	}
	taken := false
	return put(contentType, -1, func() (io.Reader, error) {
		if taken {
			return nil, errTaken
		}
		taken = true
		return source, nil
	})
}

// OutputFile sends a file as it is.
func OutputFile(path, contentType string) error {
	about, err := os.Stat(path)
	if err != nil {
		return err
	}
	return put(contentType, about.Size(), func() (io.Reader, error) { return os.Open(path) })
}

func put(contentType string, size int64, body func() (io.Reader, error)) error {
	if contentType == "" {
		contentType = binaryType
	}
	response, err := ask("PUT", "/v1/output", &sent{contentType: contentType, size: size, body: body}, nil)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// GetVariable reads a variable into v. False: there is none of that name, and v is as it was.
func GetVariable(name string, v any) (bool, error) {
	var found struct {
		Exists bool
		Value  json.RawMessage
	}
	if err := callOf(name, "GET", "", nil, &found, false); err != nil || !found.Exists {
		return false, err
	}
	return true, json.Unmarshal(found.Value, v)
}

// VariableExists tells whether GetVariable would find it.
func VariableExists(name string) (bool, error) {
	var found struct{ Exists bool }
	err := callOf(name, "GET", "", nil, &found, false)
	return found.Exists, err
}

// SetVariable keeps anything that has a JSON. scope: "user" or "global", at most one.
func SetVariable(name string, value any, scope ...string) error {
	data, err := json.Marshal(value)
	if err != nil {
		return &Error{Code: "invalid_argument", Message: "value: " + err.Error()}
	}
	return callOf(name, "PUT", "", within(scope, Object{"value": json.RawMessage(data)}), nil, false)
}

// DeleteVariable tells whether there was one.
func DeleteVariable(name string, scope ...string) (bool, error) {
	var gone struct{ Existed bool }
	query := ""
	if len(scope) > 0 {
		query = "?scope=" + url.QueryEscape(scope[0])
	}
	err := callOf(name, "DELETE", query, nil, &gone, true)
	return gone.Existed, err
}

// IncrementVariable gives the new value; two at once both count.
func IncrementVariable(name string, by float64, scope ...string) (float64, error) {
	var now struct{ Value float64 }
	err := callOf(name, "POST", "/increment", within(scope, Object{"by": by}), &now, true)
	return now.Value, err
}

// AppendVariable gives the new value; two at once are both in it.
func AppendVariable(name, text string, scope ...string) (string, error) {
	var now struct{ Value string }
	err := callOf(name, "POST", "/append", within(scope, Object{"text": text}), &now, true)
	return now.Value, err
}

// Variable is what ListVariables tells of one.
type Variable struct {
	Name, Scope string
	Secret      bool
}

// ListVariables gives their names, without values.
func ListVariables() ([]Variable, error) {
	var all struct{ Names []Variable }
	err := call("GET", "/v1/variables", nil, &all, false)
	return all.Names, err
}

// SetCondition decides about the actions that are "on condition".
func SetCondition(value bool) error {
	return call("POST", "/v1/condition", Object{"value": value}, nil, false)
}

// Event tells what is running.
func Event() (map[string]any, error) {
	var about map[string]any
	err := call("GET", "/v1/event", nil, &about, false)
	return about, err
}

// Progress is shown live: percent from 0 to 100, negative leaves it as it is; so does an empty text.
func Progress(percent float64, text string) error {
	params := Object{}
	if percent >= 0 {
		params["percent"] = percent
	}
	if text != "" {
		params["text"] = text
	}
	return call("POST", "/v1/progress", params, nil, false)
}

// SendMessage sends text through a channel and gives the id of the delivery.
func SendMessage(channel, text string) (string, error) {
	return ExecuteToolAction(channel, "send", Object{"text": text})
}

// ExecuteToolAction is SendMessage with any action of the channel and all of its input.
func ExecuteToolAction(channel, action string, input Object) (string, error) {
	var delivery struct {
		ID string `json:"delivery_id"`
	}
	params := Object{"channel": channel, "action": action, "input": input}
	err := call("POST", "/v1/messages", params, &delivery, true)
	return delivery.ID, err
}

// callOf asks about the variable; rest is what follows its name in the path.
func callOf(name, method, rest string, params Object, into any, once bool) error {
	if name == "" {
		return &Error{Code: "invalid_argument", Message: "name: must be a text that is not empty"}
	}
	return call(method, "/v1/variables/"+url.PathEscape(name)+rest, params, into, once)
}

func within(scope []string, params Object) Object {
	if len(scope) > 0 {
		params["scope"] = scope[0]
	}
	return params
}

func fixed(data []byte) func() (io.Reader, error) {
	return func() (io.Reader, error) { return bytes.NewReader(data), nil }
}
