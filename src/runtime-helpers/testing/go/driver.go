// As driver.cjs.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"sync"

	"runyard"
)

func parsed(text string) (value any) {
	_ = json.Unmarshal([]byte(text), &value)
	return value
}

func number(text string) float64 {
	value, _ := strconv.ParseFloat(text, 64)
	return value
}

func increments(name string, times int) (any, error) {
	var all sync.WaitGroup
	var failed error
	for worker := 0; worker < 5; worker++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := 0; i < times/5; i++ {
				if _, err := runyard.IncrementVariable(name, 1); err != nil {
					failed = err
				}
			}
		}()
	}
	all.Wait()
	return nil, failed
}

func scoped(name string) (any, error) {
	if err := runyard.SetVariable(name, "a", "global"); err != nil {
		return nil, err
	}
	if _, err := runyard.AppendVariable(name, "b", "global"); err != nil {
		return nil, err
	}
	return runyard.DeleteVariable(name, "global")
}

func names() (any, error) {
	all, err := runyard.ListVariables()
	list := []string{}
	for _, one := range all {
		list = append(list, one.Name)
	}
	return list, err
}

// As a script would: text and bytes have their own types.
func input() (value any, err error) {
	stream, contentType, err := runyard.InputStream()
	if err != nil || stream == nil {
		return nil, err
	}
	stream.Close()
	switch {
	case strings.HasPrefix(contentType, "text/"):
		var text string
		_, err = runyard.Input(&text)
		return text, err
	case strings.Contains(contentType, "json"):
		_, err = runyard.Input(&value)
		return value, err
	}
	var data []byte
	_, err = runyard.Input(&data)
	return data, err
}

func do(operation, first, second string) (any, error) {
	switch operation {
	case "get":
		var value any
		_, err := runyard.GetVariable(first, &value)
		return value, err
	case "exists":
		return runyard.VariableExists(first)
	case "set":
		return nil, runyard.SetVariable(first, json.RawMessage(second))
	case "delete":
		return runyard.DeleteVariable(first)
	case "increment":
		return runyard.IncrementVariable(first, number(second))
	case "scoped":
		return scoped(first)
	case "increments":
		return increments(first, int(number(second)))
	case "append":
		return runyard.AppendVariable(first, parsed(second).(string))
	case "unnamed":
		return nil, runyard.SetVariable("", 1)
	case "nan":
		return nil, runyard.SetVariable("n", math.NaN())
	case "names":
		return names()
	case "condition":
		return nil, runyard.SetCondition(parsed(first).(bool))
	case "event":
		return runyard.Event()
	case "progress":
		return nil, runyard.Progress(number(first), parsed(second).(string))
	case "send":
		return runyard.SendMessage(first, parsed(second).(string))
	case "input":
		return input()
	case "output":
		return nil, runyard.Output(parsed(first))
	case "echo":
		value, err := input()
		if err != nil {
			return nil, err
		}
		return nil, runyard.Output(value)
	case "input_file":
		found, err := runyard.InputFile(first)
		if !found {
			return nil, err
		}
		return first, err
	case "output_file":
		return nil, runyard.OutputFile(first, "")
	case "pipe":
		stream, _, err := runyard.InputStream()
		if err != nil {
			return nil, err
		}
		return nil, runyard.OutputStream(stream, "")
	}
	return nil, fmt.Errorf("no operation %s", operation)
}

// Without \u0026 for &.
func plainJSON(value any) []byte {
	var text bytes.Buffer
	writer := json.NewEncoder(&text)
	writer.SetEscapeHTML(false)
	_ = writer.Encode(value)
	return bytes.TrimSuffix(text.Bytes(), []byte("\n"))
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		given := append(strings.Split(lines.Text(), "\t"), "", "")
		value, err := do(given[0], given[1], given[2])
		told, text := "ok", []byte{}
		if err != nil {
			told, text = "error", []byte(err.Error())
		} else {
			text = plainJSON(value)
		}
		fmt.Printf("%s\t%s\n", told, base64.StdEncoding.EncodeToString(text))
	}
}
