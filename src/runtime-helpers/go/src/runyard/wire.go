package runyard

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Error is what Runyard refused, or that it cannot be asked. Code as in PROTOCOL.md, Status of HTTP.
type Error struct {
	Code    string
	Message string
	Status  int
}

func (e *Error) Error() string { return "runyard: " + e.Message }

var errTaken = errors.New("the stream was begun and cannot be sent again")

// sent is a body that can be made for each try. size -1: not known.
type sent struct {
	contentType string
	size        int64
	body        func() (io.Reader, error)
}

func where() (place, token string, err error) {
	place, token = os.Getenv("RUNYARD_SOCKET"), os.Getenv("RUNYARD_TOKEN")
	if place == "" {
		place = strings.TrimPrefix(strings.TrimPrefix(os.Getenv("CRONIUM_RUNTIME_API"), "unix:"), "//")
	}
	if token == "" {
		token = os.Getenv("CRONIUM_EXECUTION_TOKEN")
	}
	if place != "" && token != "" {
		return place, token, nil
	}
	missing := "RUNYARD_SOCKET"
	if place != "" {
		missing = "RUNYARD_TOKEN"
	}
	return "", "", &Error{Code: "no_event", Message: missing + " is not set, so nothing can be asked of Runyard: " +
		`run this program as an event, or by "runyard run --helpers"`}
}

var client = &http.Client{Transport: &http.Transport{
	DisableKeepAlives:  true,
	DisableCompression: true,
	DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		place, _, err := where()
		if err != nil {
			return nil, err
		}
		return (&net.Dialer{}).DialContext(ctx, "unix", place)
	},
}}

// ask until it is answered; a nil error comes with a response of status 2xx.
func ask(method, path string, body *sent, header http.Header) (*http.Response, error) {
	place, token, err := where()
	if err != nil {
		return nil, err
	}
	patience := 60.0
	if given, err := strconv.ParseFloat(os.Getenv("RUNYARD_HELPER_PATIENCE_SECONDS"), 64); err == nil {
		patience = given
	}
	end := time.Now().Add(time.Duration(patience * float64(time.Second)))
	var failure error
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		request, err := newRequest(method, path, token, body, header)
		if errors.Is(err, errTaken) && failure != nil {
			return nil, failure
		} else if err != nil {
			return nil, err
		}
		wait := pause
		response, err := client.Do(request)
		switch {
		case err == nil && response.StatusCode < 300:
			return response, nil
		case err == nil:
			failure = refusal(response)
			after := response.Header.Get("Retry-After")
			busy := response.StatusCode == http.StatusTooManyRequests && after != ""
			if !busy && response.StatusCode != http.StatusServiceUnavailable && response.StatusCode != http.StatusGatewayTimeout {
				return nil, failure
			}
			if seconds, err := strconv.ParseFloat(after, 64); err == nil {
				wait = max(wait, time.Duration(seconds*float64(time.Second)))
			}
		case isGone(err):
			failure = &Error{Code: "unavailable", Message: fmt.Sprintf("its runner does not answer at %s: %v", place, err)}
		default:
			return nil, err
		}
		if time.Now().Add(wait).After(end) {
			return nil, failure
		}
		time.Sleep(wait)
	}
}

func newRequest(method, path, token string, body *sent, header http.Header) (*http.Request, error) {
	var source io.Reader
	if body != nil {
		made, err := body.body()
		if err != nil {
			return nil, err
		}
		source = made
	}
	request, err := http.NewRequest(method, "http://runyard"+path, source)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		request.Header[name] = values
	}
	request.Header.Set("Authorization", "Bearer "+token)
	if body != nil {
		request.Header.Set("Content-Type", body.contentType)
		request.ContentLength = body.size
		if body.size == 0 {
			request.Body = http.NoBody
		}
	}
	return request, nil
}

// isGone: the runner is being restarted, or went away before it answered.
func isGone(err error) bool {
	for _, gone := range []error{syscall.ECONNREFUSED, syscall.ENOENT, syscall.ECONNRESET, syscall.EPIPE, syscall.EAGAIN, io.EOF} {
		if errors.Is(err, gone) {
			return true
		}
	}
	return strings.Contains(err.Error(), "server closed idle connection")
}

func refusal(response *http.Response) error {
	defer response.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	var told struct{ Error Error }
	if json.Unmarshal(text, &told) != nil || told.Error.Message == "" {
		told.Error.Message = "HTTP " + response.Status
	}
	told.Error.Status = response.StatusCode
	return &told.Error
}

// call: an object there, an object back. once: it must not take effect twice.
func call(method, path string, params Object, answer any, once bool) error {
	var body *sent
	header := http.Header{}
	if params != nil {
		data, err := json.Marshal(params)
		if err != nil {
			return err
		}
		body = &sent{contentType: jsonType, size: int64(len(data)), body: fixed(data)}
	}
	if once {
		key := make([]byte, 16)
		if _, err := rand.Read(key); err != nil {
			return err
		}
		header.Set("Idempotency-Key", fmt.Sprintf("%x", key))
	}
	response, err := ask(method, path, body, header)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if answer == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(answer)
}

func min(a, b time.Duration) time.Duration {
	if a < b {
		return a
	}
	return b
}

func max(a, b time.Duration) time.Duration {
	if a > b {
		return a
	}
	return b
}
