package openrouter

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ballast-go/ballast/internal/httpx"
	"github.com/ballast-go/ballast/llm"
	"github.com/ballast-go/ballast/secret"
)

const (
	maxErrorBody = 64 << 10 // as much of an error's body as is read
	maxMessage   = 512
	minQuote     = 24 // bytes in common with a prompt or answer that are no coincidence
)

// decodeError tells where a document broke.
type decodeError struct{ Offset int64 }

// Error names the offset.
func (e *decodeError) Error() string { return fmt.Sprintf("openrouter: broken at byte %d", e.Offset) }

// fail is the error of this call; message is our own words.
func (c *call) fail(kind llm.Kind, status int, message string) *llm.Error {
	return &llm.Error{
		Kind: kind, Endpoint: c.client.base.Host, Model: c.model, Status: status, Message: message, GenerationID: c.generationID,
	}
}

// failed turns whatever ended the call, other than its context, into an
// *llm.Error.
func (c *call) failed(watch *idle, err error) error {
	var known *llm.Error
	var large *httpx.TooLargeError
	var netErr net.Error
	switch {
	case errors.As(err, &known):
		return known
	case watch.expired():
		return c.fail(llm.KindTimeout, 0, fmt.Sprintf("nothing came for %v", watch.limit))
	case errors.As(err, &large):
		failure := c.fail(llm.KindMalformed, 0, fmt.Sprintf("the answer exceeds %d bytes", large.Limit))
		failure.Err = large
		return failure
	}
	kind := llm.KindTransport
	if errors.As(err, &netErr) && netErr.Timeout() {
		kind = llm.KindTimeout
	}
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		err = urlErr.Err // its text is the method and address around this
	}
	failure := c.fail(kind, 0, c.clean(err.Error(), nil))
	if failure.Message == err.Error() { // otherwise the cause holds what may not be shown
		failure.Err = err
	}
	return failure
}

// failStatus reports any answer but 200. What can be read of its body only
// adds to what the status says, so that a body that breaks off is no matter.
func (c *call) failStatus(watch *idle, resp *http.Response) error {
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		return c.failRedirect(resp)
	}
	body, _ := httpx.ReadAll(&activity{from: resp.Body, watch: watch}, maxErrorBody) //nolint:errcheck // see above
	detail := readErrorBody(body)
	failure := c.fail(kindOfStatus(resp.StatusCode), resp.StatusCode, c.clean(detail.text(), nil))
	if failure.Message == "" {
		failure.Message = http.StatusText(resp.StatusCode)
	}
	failure.FormatRejected = c.rejectsFormat(failure, detail)
	failure.Wait = httpx.RetryAfter(resp.Header.Get("Retry-After"), c.client.cfg.Now())
	if failure.Wait == 0 {
		failure.Wait = detail.wait()
	}
	return failure
}

func (c *call) failRedirect(resp *http.Response) error {
	target := "nowhere"
	if location, err := resp.Location(); err == nil {
		target = location.Host
	}
	return c.fail(llm.KindConfig, resp.StatusCode, "a redirect was not followed; it leads to "+c.clean(target, nil))
}

// failInside reports an error that came in a 200. Its code decides when it is
// an HTTP status, and otherwise its type.
func (c *call) failInside(value raw, quotes []string) *llm.Error {
	detail := readErrorValue(value)
	kind := detail.kind()
	status := detail.status()
	if status != 0 {
		if byStatus := kindOfStatus(status); byStatus != llm.KindMalformed {
			kind = byStatus
		}
	}
	failure := c.fail(kind, status, c.clean(detail.text(), quotes))
	if failure.Message == "" {
		failure.Message = "an error inside a 200 that does not say what it is"
	}
	failure.FormatRejected = c.rejectsFormat(failure, detail)
	failure.Wait = detail.wait()
	return failure
}

// rejectsFormat reports a refusal of the request that is, or may well be,
// about its response_format: OpenRouter does not say which parameter left no
// provider over.
func (c *call) rejectsFormat(failure *llm.Error, detail wireError) bool {
	switch failure.Status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusUnprocessableEntity:
	default:
		return false
	}
	if !c.formatted || failure.Kind != llm.KindConfig {
		return false
	}
	if detail.Param != "" {
		return strings.HasPrefix(string(detail.Param), "response_format")
	}
	message := strings.ToLower(string(detail.Message))
	return detail.Availability.Code == "constraint_filtered" || slices.ContainsFunc(
		[]string{"response_format", "json_schema", "json_object", "structured output"},
		func(name string) bool { return strings.Contains(message, name) })
}

func kindOfStatus(status int) llm.Kind {
	switch status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return llm.KindConfig
	case http.StatusUnauthorized:
		return llm.KindAuth
	case http.StatusPaymentRequired:
		return llm.KindPayment
	case http.StatusForbidden:
		return llm.KindForbidden
	case http.StatusTooManyRequests:
		return llm.KindRateLimited
	case http.StatusRequestTimeout, http.StatusGatewayTimeout, 524: // 524 is Cloudflare's
		return llm.KindTimeout
	}
	if status >= 500 && status < 600 {
		return llm.KindServer
	}
	return llm.KindMalformed
}

// clean makes a provider's words fit for an error: redacted, clipped, and
// without what they quote of the prompt or the answer.
func (c *call) clean(message string, quotes []string) string {
	message = httpx.Redact(message, 4*maxMessage, c.client.cfg.APIKey)
	for _, m := range c.prompt {
		quotes = append(quotes, m.Content)
	}
	for _, quote := range quotes {
		message = withoutQuotes(message, strings.Join(strings.Fields(quote), " "))
	}
	return httpx.Clip(message, maxMessage)
}

// withoutQuotes replaces each stretch of at least minQuote bytes that message
// shares with source.
func withoutQuotes(message, source string) string {
	if len(source) < minQuote {
		return message
	}
	var out strings.Builder
	for len(message) >= minQuote {
		length := minQuote
		if !strings.Contains(source, message[:length]) {
			out.WriteByte(message[0])
			message = message[1:]
			continue
		}
		for length < len(message) && strings.Contains(source, message[:length+1]) {
			length++
		}
		out.WriteString(secret.Redacted)
		message = message[length:]
	}
	return strings.ToValidUTF8(out.String()+message, "")
}

// wireError is the error object in its many forms.
type wireError struct {
	Message      text        `json:"message"`
	Code         label       `json:"code"`
	Type         label       `json:"type"`
	Param        text        `json:"param"`
	ErrorType    label       `json:"error_type"`
	HTTPStatus   label       `json:"http_status"`
	Metadata     errMetadata `json:"metadata"`
	Availability errAvail    `json:"availability"`
}

type errMetadata struct {
	ErrorType    text `json:"error_type"`
	ProviderName text `json:"provider_name"`
}

type errAvail struct {
	Code       text  `json:"code"`
	RetryAfter count `json:"retry_after"`
}

// readErrorBody reads {"error": …} or takes the text as it is, of a page only
// its title.
func readErrorBody(body []byte) wireError {
	var document struct {
		Error   raw  `json:"error"`
		Message text `json:"message"`
	}
	body = bytes.TrimSpace(body)
	switch err := decode(body, &document); {
	case err == nil && isError(document.Error):
		return readErrorValue(document.Error)
	case err == nil:
		return wireError{Message: document.Message}
	case bytes.HasPrefix(body, []byte("<")):
		return wireError{Message: text(pageTitle(body))}
	default:
		return wireError{Message: text(body)}
	}
}

func readErrorValue(value raw) wireError {
	var plain text
	var detail wireError
	if value[0] != '{' {
		if err := decode(value, &plain); err != nil {
			return wireError{}
		}
		return wireError{Message: plain}
	}
	if err := decode(value, &detail); err != nil {
		return wireError{Message: "an error object of unknown form"}
	}
	return detail
}

func pageTitle(page []byte) string {
	lower := bytes.ToLower(page)
	start := bytes.Index(lower, []byte("<title>"))
	end := bytes.Index(lower, []byte("</title>"))
	if start < 0 || end < start || len(lower) != len(page) {
		return "a web page"
	}
	return "a web page: " + string(page[start+len("<title>"):end])
}

// text is the message with who failed and how, as far as they are told.
func (e wireError) text() string {
	var extra []string
	for _, part := range [...]string{string(e.Metadata.ProviderName), e.kindName()} {
		if part != "" {
			extra = append(extra, part)
		}
	}
	if len(extra) == 0 {
		return string(e.Message)
	}
	return strings.TrimSpace(string(e.Message) + " (" + strings.Join(extra, ", ") + ")")
}

func (e wireError) kindName() string {
	if e.Metadata.ErrorType != "" {
		return string(e.Metadata.ErrorType)
	}
	return string(e.ErrorType)
}

// status is the HTTP status that the error names, or 0.
func (e wireError) status() int {
	for _, name := range [...]label{e.Code, e.HTTPStatus} {
		if status, err := strconv.Atoi(string(name)); err == nil && status >= 400 && status < 600 {
			return status
		}
	}
	return 0
}

func (e wireError) wait() time.Duration {
	return min(time.Duration(e.Availability.RetryAfter)*time.Second, httpx.MaxRetryAfter)
}

// kind goes by the error's type, for errors without a status.
func (e wireError) kind() llm.Kind {
	for _, name := range [...]string{e.kindName(), string(e.Code), string(e.Type)} {
		switch name {
		case "rate_limit_exceeded", "rate_limited":
			return llm.KindRateLimited
		case "timeout":
			return llm.KindTimeout
		case "authentication":
			return llm.KindAuth
		case "payment_required":
			return llm.KindPayment
		case "permission_denied", "content_policy_violation":
			return llm.KindForbidden
		case "context_length_exceeded", "max_tokens_exceeded", "token_limit_exceeded", "string_too_long", "invalid_request",
			"invalid_prompt", "not_found", "precondition_failed", "payload_too_large", "unprocessable":
			return llm.KindConfig
		}
	}
	return llm.KindServer
}
